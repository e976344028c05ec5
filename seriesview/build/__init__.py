"""From a file to a manifest: the work that the pipeline's rules call.

`ARTIFACT_VERSION` counts the changes of the artifacts that the same input and options give. A change of the
package that leaves it alone rebuilds nothing.
"""

ARTIFACT_VERSION = 4
