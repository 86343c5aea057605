using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Formats;

namespace Atelier.Tasks.Video;

/// <summary>Arranges clips as an image: one row for each clip, with its frames from left to right.</summary>
internal static class ContactSheet
{
    /// <summary>Encodes clips as PNG.</summary>
    /// <param name="schema">The size and channels of the clips.</param>
    /// <param name="clips">The frames of each clip, with interleaved channels.</param>
    public static byte[] Encode(VideoSchema schema, IReadOnlyList<IReadOnlyList<ReadOnlyMemory<byte>>> clips) =>
        ImageGrid.Encode(schema.Image, [.. clips.SelectMany(clip => clip)], columns: clips.Max(clip => clip.Count));

    /// <summary>Writes clips as a PNG file, whole or not at all.</summary>
    public static void Write(string path, VideoSchema schema,
        IReadOnlyList<IReadOnlyList<ReadOnlyMemory<byte>>> clips)
    {
        byte[] png = Encode(schema, clips);
        AtomicFile.Write(path, stream => stream.Write(png));
    }
}
