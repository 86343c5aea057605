using Atelier.Abstractions;

namespace Atelier.Data.Audio;

/// <summary>The codes of prepared sounds, in a folder next to the sounds.</summary>
public sealed class CodeData : IDisposable
{
    private const int IdentityDigits = 16;

    private CodeData(CodePart train, CodePart validation, CodePart test) =>
        (Train, Validation, Test) = (train, validation, test);

    /// <summary>The training data.</summary>
    public CodePart Train { get; }

    /// <summary>The validation data; may be empty.</summary>
    public CodePart Validation { get; }

    /// <summary>The test data; may be empty.</summary>
    public CodePart Test { get; }

    /// <summary>Codes all clips, or opens the codes of the same codec that were computed before.</summary>
    /// <param name="data">The sounds, of the codec's sample rate and channels.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="codebooks">The number of codebooks.</param>
    /// <param name="folder">The folder of the prepared sounds.</param>
    internal static CodeData Create(AudioData data, IAudioCodec codec, int codebooks, string folder)
    {
        string identity = codec.Identity[..Math.Min(IdentityDigits, codec.Identity.Length)];
        string own = Path.Combine(folder, FormattableString.Invariant($"codes-{identity}-{codebooks}"));
        CodeShape shape = ShapeOf(data.Schema, codec, codebooks);
        AudioPart[] parts = [data.Train, data.Validation, data.Test];
        string[] paths = [.. ((string[])["train", "validation", "test"]).Select(name =>
            Path.Combine(own, name + ".u16"))];
        if (!File.Exists(Path.Combine(own, PreparedFacts.FileName)))
        {
            Directory.CreateDirectory(own);
            foreach ((AudioPart part, string path) in parts.Zip(paths))
                CodePart.Write(path, part, codec, shape);
            data.Facts.Write(own);
        }
        var opened = new List<CodePart>();
        try
        {
            foreach ((AudioPart part, string path) in parts.Zip(paths))
                opened.Add(CodePart.Open(path, shape, part.Labels));
            return new(opened[0], opened[1], opened[2]);
        }
        catch
        {
            opened.ForEach(part => part.Dispose());
            throw;
        }
    }

    /// <summary>The shape of the codes of a clip.</summary>
    internal static CodeShape ShapeOf(AudioSchema schema, IAudioCodec codec, int codebooks) => new(codebooks,
        codec.CodebookSize, (int)(((long)schema.ClipFrames + codec.FrameLength - 1) / codec.FrameLength));

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
        Test.Dispose();
    }
}
