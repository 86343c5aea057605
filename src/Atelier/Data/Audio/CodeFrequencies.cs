namespace Atelier.Data.Audio;

/// <summary>
/// The unigram model of codes: each codebook's codes by their frequencies in training, independently of all others. One
/// is added to each count, so that codes which never occurred have a probability.
/// </summary>
internal sealed class CodeFrequencies
{
    private readonly double[][] _nats; // [codebook][code]: the negative log-probability

    /// <summary>Counts the codes of a part.</summary>
    public CodeFrequencies(CodePart part)
    {
        CodeShape shape = part.Shape;
        var counts = new long[shape.Codebooks][];
        for (int book = 0; book < counts.Length; book++)
            Array.Fill(counts[book] = new long[shape.CodebookSize], 1);
        var codes = new long[shape.Size];
        for (int clip = 0; clip < part.Count; clip++)
        {
            part.Read(clip, codes);
            for (int i = 0; i < codes.Length; i++)
                counts[i / shape.Frames][codes[i]]++;
        }
        double total = ((double)part.Count * shape.Frames) + shape.CodebookSize;
        _nats = [.. counts.Select(book => book.Select(count => -Math.Log(count / total)).ToArray())];
    }

    /// <summary>The negative log-likelihood of a clip's codes, in nats.</summary>
    public double NegativeLogLikelihood(CodePart part, int clip)
    {
        var codes = new long[part.Shape.Size];
        part.Read(clip, codes);
        return codes.Select((code, i) => _nats[i / part.Shape.Frames][code]).Sum();
    }

    /// <summary>The mean negative log-likelihood of a part in nats per code.</summary>
    public double CrossEntropy(CodePart part) => Enumerable.Range(0, part.Count)
        .Average(clip => NegativeLogLikelihood(part, clip)) / part.Shape.Size;
}
