using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Formats;

namespace Atelier.Data.Audio;

/// <summary>The codes of the clips of one part of prepared sounds, in a memory-mapped file.</summary>
public sealed class CodePart : IDisposable
{
    private readonly MappedFile _file; // 16 bits a code: [clip, codebook, frame]

    private CodePart(MappedFile file, CodeShape shape, IReadOnlyList<int> labels) =>
        (_file, Shape, Labels) = (file, shape, labels);

    /// <summary>The shape of the codes of a clip.</summary>
    public CodeShape Shape { get; }

    /// <summary>The label of each clip; all 0 where there are no classes.</summary>
    public IReadOnlyList<int> Labels { get; }

    /// <summary>The number of clips.</summary>
    public int Count => Labels.Count;

    /// <summary>Reads the codes of a clip. Safe for concurrent use.</summary>
    /// <param name="number">The number of the clip, from 0.</param>
    /// <param name="codes">Receives [codebooks, frames].</param>
    /// <exception cref="AtelierException">The file is damaged: there is no such code.</exception>
    public void Read(int number, Span<long> codes)
    {
        int bytes = Shape.Size * sizeof(ushort);
        ReadOnlySpan<ushort> stored = MemoryMarshal.Cast<byte, ushort>(_file.Bytes((long)number * bytes, bytes));
        for (int i = 0; i < stored.Length; i++)
            codes[i] = stored[i] < Shape.CodebookSize ? stored[i] : throw Damaged(_file.Path);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Codes the clips of a part, and writes them.</summary>
    internal static void Write(string path, AudioPart part, IAudioCodec codec, CodeShape shape) =>
        AtomicFile.Write(path, stream =>
        {
            var samples = new float[part.Schema.Size];
            var codes = new ushort[shape.Size];
            for (int clip = 0; clip < part.Count; clip++)
            {
                part.Read(clip, samples);
                int[][] coded = codec.Encode(
                    Sound.Of(samples, part.Schema.Channels, part.Schema.SampleRate).Samples, shape.Codebooks);
                for (int i = 0; i < codes.Length; i++)
                    codes[i] = (ushort)coded[i / shape.Frames][i % shape.Frames];
                stream.Write(MemoryMarshal.AsBytes<ushort>(codes));
            }
        });

    /// <summary>Opens a file that <see cref="Write"/> wrote.</summary>
    /// <exception cref="AtelierException">It is missing or damaged.</exception>
    internal static CodePart Open(string path, CodeShape shape, IReadOnlyList<int> labels)
    {
        var file = MappedFile.Open(path);
        if (file.Length == (long)labels.Count * shape.Size * sizeof(ushort))
            return new(file, shape, labels);
        file.Dispose();
        throw Damaged(path);
    }

    private static AtelierException Damaged(string path) =>
        new("the codes of the sounds are damaged", path, "prepare the data again");
}
