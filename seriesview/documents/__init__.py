"""The checker of every JSON document from outside: typed classes, all that is wrong as sentences, their schemas."""
