using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Recipes;

namespace Atelier.Data.Video;

/// <summary>The frames of a video that is stored as images, in the order of the numbers in their names.</summary>
/// <param name="images">The images, in their order.</param>
/// <param name="format">The format of the frames.</param>
internal sealed class FolderFrames(IReadOnlyList<ImageEntry> images, FrameFormat format) : IFrameStream
{
    private int _next;

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <summary>Returns a name whose numbers have leading zeros, so that "frame10" comes after "frame2".</summary>
    public static string Ordered(string name)
    {
        const int Digits = 12;
        var ordered = new System.Text.StringBuilder();
        for (int i = 0; i < name.Length;)
        {
            int end = i;
            while (end < name.Length && char.IsAsciiDigit(name[end]))
                end++;
            ordered.Append(end > i ? name[i..end].PadLeft(Digits, '0') : name[i..(i + 1)]);
            i = Math.Max(end, i + 1);
        }
        return ordered.ToString();
    }

    /// <inheritdoc/>
    public bool Read(Span<byte> frame)
    {
        if (_next == images.Count || Fault is not null)
            return false;
        ImageEntry image = images[_next++];
        if (format.Fit != VideoFit.Crop)
            throw new AtelierException("frames that are stored as images are cropped", "data.video.fit",
                "set it to crop");
        try
        {
            ImageFiles.Decode(new InputImage(image.Read(), image.Where), format.Width, format.Height, format.Channels)
                .CopyTo(frame);
            return true;
        }
        catch (AtelierException e)
        {
            Fault = $"has a frame that {e.Message}: {image.Name}";
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
