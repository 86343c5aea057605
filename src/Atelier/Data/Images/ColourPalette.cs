namespace Atelier.Data.Images;

/// <summary>
/// A palette of at most 256 colours for images: all greys, or colours chosen by median cut (Heckbert 1982) with 15 bits
/// each.
/// </summary>
internal sealed class ColourPalette
{
    private const int Size = 256, Bits = 5, Cells = 1 << (3 * Bits);
    private readonly byte[]? _nearest; // the index of each cell; null for greys
    private readonly int _channels;

    private ColourPalette(byte[] table, byte[]? nearest, int channels) =>
        (Table, _nearest, _channels) = (table, nearest, channels);

    /// <summary>Red, green and blue of each colour: 768 bytes.</summary>
    public byte[] Table { get; }

    /// <summary>Creates the palette of images with interleaved channels (1 or 3).</summary>
    public static ColourPalette Of(IReadOnlyList<byte[]> images, int channels)
    {
        var table = new byte[3 * Size];
        if (channels == 1)
        {
            for (int i = 0; i < table.Length; i++)
                table[i] = (byte)(i / 3);
            return new(table, null, channels);
        }
        var counts = new long[Cells];
        foreach (byte[] image in images)
        {
            for (int i = 0; i < image.Length; i += 3)
                counts[Cell(image.AsSpan(i, 3))]++;
        }
        var boxes = new List<int[]> { Enumerable.Range(0, Cells).Where(cell => counts[cell] > 0).ToArray() };
        while (boxes.Count < Size && boxes.MaxBy(Extent) is { Length: > 1 } widest && Extent(widest) > 0)
        {
            boxes.Remove(widest);
            (int[] low, int[] high) = Cut(widest, counts);
            boxes.Add(low);
            boxes.Add(high);
        }
        var nearest = new byte[Cells];
        for (int index = 0; index < boxes.Count; index++)
        {
            long all = boxes[index].Sum(cell => counts[cell]);
            for (int channel = 0; channel < 3; channel++)
                table[(3 * index) + channel] =
                    (byte)(boxes[index].Sum(cell => counts[cell] * Value(cell, channel)) / Math.Max(1, all));
            foreach (int cell in boxes[index])
                nearest[cell] = (byte)index;
        }
        return new(table, nearest, channels);
    }

    /// <summary>Returns the index of each pixel's colour.</summary>
    public byte[] Indices(byte[] image)
    {
        if (_nearest is null)
            return image;
        var indices = new byte[image.Length / _channels];
        for (int i = 0; i < indices.Length; i++)
            indices[i] = _nearest[Cell(image.AsSpan(3 * i, 3))];
        return indices;
    }

    private static int Cell(ReadOnlySpan<byte> rgb) =>
        (rgb[0] >> 3 << (2 * Bits)) | (rgb[1] >> 3 << Bits) | (rgb[2] >> 3);

    /// <summary>Returns a channel at a cell's centre; the ends of the range stay black and white.</summary>
    private static int Value(int cell, int channel)
    {
        int step = (cell >> ((2 - channel) * Bits)) & ((1 << Bits) - 1);
        return ((step * 255) + 15) / 31;
    }

    private static int Extent(int[] box) => Enumerable.Range(0, 3).Max(channel => Extent(box, channel));

    private static int Extent(int[] box, int channel) =>
        box.Length == 0 ? 0 : box.Max(c => Value(c, channel)) - box.Min(c => Value(c, channel));

    /// <summary>Cuts a box across its longest side into halves with about equally many pixels.</summary>
    private static (int[] Low, int[] High) Cut(int[] box, long[] counts)
    {
        int channel = Enumerable.Range(0, 3).MaxBy(c => Extent(box, c));
        int[] ordered = [.. box.OrderBy(cell => Value(cell, channel))];
        long half = box.Sum(cell => counts[cell]) / 2, sum = 0;
        int at = 0;
        while (at < ordered.Length - 1 && (sum += counts[ordered[at]]) <= half)
            at++;
        at = Math.Clamp(at, 1, ordered.Length - 1);
        return (ordered[..at], ordered[at..]);
    }
}
