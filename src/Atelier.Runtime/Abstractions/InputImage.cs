namespace Atelier.Abstractions;

/// <summary>An image that a request brings.</summary>
/// <param name="Content">The bytes of a PNG, JPEG, WebP, GIF or BMP file.</param>
/// <param name="Name">What errors call it, and what the file of a generated image says that it was made from.</param>
public sealed record InputImage(ReadOnlyMemory<byte> Content, string Name = "image");
