"""What the engine `path_traced` is made of: glTF on one side, Mitsuba's plugins on the other, numpy between them."""
