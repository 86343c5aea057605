using Atelier.Data.Images;

namespace Atelier.Evaluation.Images;

/// <summary>Images to evaluate or to compare with: of a part of the data, generated, or noise.</summary>
/// <param name="Schema">The size, channels and classes of the images.</param>
/// <param name="Count">The number of images.</param>
/// <param name="Labels">The class of each, or the class it was generated for; null without classes.</param>
/// <param name="Read">Reads the image with a number: channels, then rows, then columns.</param>
internal sealed record ImageSet(ImageSchema Schema, int Count, IReadOnlyList<int>? Labels,
    Action<int, Memory<byte>> Read)
{
    /// <summary>
    /// An identity of these images, so that their features can be cached; null for generated images and noise.
    /// </summary>
    public Func<string>? Content { get; init; }

    /// <summary>Returns the first images of a part.</summary>
    public static ImageSet Of(ImagePart part, int most) => new(part.Schema, Math.Min(part.Count, most),
        part.Schema.Classes.Count == 0 ? null : part.Labels, (number, room) => part.Read(number, room.Span))
    {
        Content = () => part.ContentHash,
    };

    /// <summary>Returns images in memory, one after another.</summary>
    public static ImageSet Of(ImageSchema schema, byte[] pixels, IReadOnlyList<int>? labels) =>
        new(schema, pixels.Length / schema.Size, labels,
        (number, room) => pixels.AsSpan(number * schema.Size, schema.Size).CopyTo(room.Span));

    /// <summary>Returns the first images.</summary>
    public ImageSet First(int most) => Slice(0, Math.Min(most, Count));

    /// <summary>Returns a range of the images.</summary>
    public ImageSet Slice(int first, int count) =>
        new(Schema, count, Labels is null ? null
        : [.. Labels.Skip(first).Take(count)], (number, room) => Read(first + number, room))
    {
        Content = Content is null ? null : () => FormattableString.Invariant($"{Content()} from {first}"),
    };

    /// <summary>Returns images of noise, uniform from 0 to 255.</summary>
    public static ImageSet Noise(ImageSchema schema, int count, long seed) => new(schema, count, null, (number, room) =>
    {
        var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)number));
        Span<byte> values = room.Span[..schema.Size];
        for (int i = 0; i < values.Length; i++)
            values[i] = (byte)random.Next(256);
    });
}
