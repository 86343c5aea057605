namespace Atelier.Abstractions;

/// <summary>An image that is part of a request.</summary>
/// <param name="Content">The bytes of a PNG, JPEG, WebP, GIF or BMP file.</param>
/// <param name="Name">The name of the image in error messages and in the metadata of generated images.</param>
public sealed record InputImage(ReadOnlyMemory<byte> Content, string Name = "image");
