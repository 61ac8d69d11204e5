"""What the step `remove` takes away, by the part of the document that it lies in. Each function changes in place."""
