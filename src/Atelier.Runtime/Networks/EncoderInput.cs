namespace Atelier.Networks;

/// <summary>A sequence that an encoder reads.</summary>
/// <param name="Tokens">The token ids, with the special tokens that the model expects.</param>
/// <param name="Types">The type of each token: 0 for the first segment, 1 for the second; empty for zeros.</param>
public readonly record struct EncoderInput(ReadOnlyMemory<int> Tokens, ReadOnlyMemory<int> Types = default);

/// <summary>How the hidden states of a sequence become one vector.</summary>
public enum EmbeddingPooling
{
    /// <summary>The mean over all tokens (Reimers and Gurevych 2019, section 3).</summary>
    Mean,

    /// <summary>The hidden state of the first token, [CLS] or &lt;s&gt;.</summary>
    First,

    /// <summary>The hidden state of the last token.</summary>
    Last,
}
