"""The pictures of a model: what each is for, its pixels in linear light, smaller ones, and other encodings."""
