"""What Python objects of other packages hold, as recordings; nothing is imported that the user has not."""
