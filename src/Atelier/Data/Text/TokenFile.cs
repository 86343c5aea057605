namespace Atelier.Data.Text;

/// <summary>
/// The tokens of one part of a corpus, memory-mapped, so that a corpus larger than memory trains. Documents stand one
/// after another, each ended by the end-of-text token (a single document cut in parts is not).
/// </summary>
public sealed class TokenFile : IDisposable
{
    /// <summary>Tokens in all, ends of text included.</summary>
    public long Count { get; }

    /// <summary>Documents in all.</summary>
    public long DocumentCount { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
