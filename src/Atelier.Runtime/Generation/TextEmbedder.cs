using Atelier.Abstractions;
using Atelier.Generation.Explaining;
using Atelier.Networks;
using Atelier.Tokenizers;

namespace Atelier.Generation;

/// <summary>How a <see cref="TextEmbedder"/> makes a vector of a text.</summary>
public sealed record TextEmbeddingOptions
{
    /// <summary>How the hidden states of the tokens become one vector.</summary>
    public EmbeddingPooling Pooling { get; init; } = EmbeddingPooling.Mean;

    /// <summary>Whether vectors are scaled to length 1, so that their dot product is the cosine.</summary>
    public bool Normalise { get; init; } = true;

    /// <summary>
    /// The largest number of tokens of a text, special tokens included; null takes what the encoder can read.
    /// </summary>
    public int? MaxTokens { get; init; }
}

/// <summary>Turns texts into vectors with an encoder. Safe for concurrent use.</summary>
public sealed class TextEmbedder : ITrainedModel, ITextEmbedder, ITextExplainable
{
    /// <summary>Creates an embedder.</summary>
    /// <param name="encoder">The encoder, which is disposed with the embedder.</param>
    /// <param name="tokenizer">The tokenizer, which inserts the model's special tokens.</param>
    /// <param name="options">How vectors are made; null takes the defaults.</param>
    /// <exception cref="AtelierException">The largest number of tokens is not within what the encoder can read.
    /// </exception>
    public TextEmbedder(Encoder encoder, Tokenizer tokenizer, TextEmbeddingOptions? options = null)
    {
        (Encoder, Tokenizer, Options) = (encoder, tokenizer, options ?? new TextEmbeddingOptions());
        int longest = encoder.Config.ContextLength;
        if (Options.MaxTokens is int wanted && (wanted < 1 || wanted > longest))
            throw new AtelierException($"texts of {wanted} tokens cannot be read", hint: $"allowed: 1 to {longest}");
    }

    /// <summary>The encoder.</summary>
    public Encoder Encoder { get; }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>How vectors are made.</summary>
    public TextEmbeddingOptions Options { get; }

    /// <inheritdoc/>
    public int EmbeddingSize => Encoder.Config.HiddenSize;

    /// <inheritdoc/>
    public IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts, CancellationToken cancellation = default) =>
        Embed(texts, out _, cancellation);

    /// <inheritdoc/>
    public int CountTokens(string text) => Tokenizer
        .EncodeWithSpecials(text, maxLength: Options.MaxTokens ?? Encoder.Config.ContextLength).Ids.Count;

    /// <inheritdoc/>
    public TextExplanation ExplainText(TextExplanationRequest request, CancellationToken cancellation = default)
    {
        EncodedText text = Tokenizer.EncodeWithSpecials(request.Text);
        return new MaskedExplainer(Tokenizer, MaskedTokens.Of(Tokenizer, new MaskedTokens(null))).Explain(Encoder,
            new EncoderInput(text.Ids.ToArray(), text.TypeIds.ToArray()), request, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => Encoder.Dispose();

    /// <summary>Returns the vector of each text, and the number of tokens that were read.</summary>
    internal IReadOnlyList<float[]> Embed(IReadOnlyList<string> texts, out long tokens, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(texts);
        int most = Options.MaxTokens ?? Encoder.Config.ContextLength;
        var inputs = new EncoderInput[texts.Count];
        tokens = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            EncodedText text = Tokenizer.EncodeWithSpecials(texts[i], maxLength: most);
            inputs[i] = new EncoderInput(text.Ids.ToArray(), text.TypeIds.ToArray());
            tokens += inputs[i].Tokens.Length;
        }
        return Encoder.Embed(inputs, Options.Pooling, Options.Normalise, cancellation);
    }
}
