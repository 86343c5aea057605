namespace Atelier.Abstractions;

/// <summary>
/// A language model that advances many sequences of different lengths in one step. Sequences can join and leave between
/// steps. In a step that appends one token to each sequence, the logits of a sequence are bit for bit those that it
/// would have alone.
/// </summary>
public interface IBatchedLanguageModel : ILanguageModel
{
    /// <summary>
    /// The cost of each additional token of a sequence in a step, as a fraction of a step with one token: near 0 if
    /// reading the weights dominates, 1 if n tokens take as long as n steps of one. Speculative decoding uses it to
    /// choose the number of proposals. The default is 0.25.
    /// </summary>
    double FurtherTokenCost => 0.25;

    /// <summary>The size in bytes of the weights that a step reads; 0 if unknown.</summary>
    long StepBytes => 0;

    /// <summary>Creates an empty sequence.</summary>
    IDecodingSequence CreateSequence();

    /// <summary>
    /// Creates a sequence for a prompt. It shares the longest prefix that an existing sequence has already read;
    /// <see cref="IDecodingSequence.Length"/> is the length of that prefix. The caller appends the rest of the prompt,
    /// which is at least its last token.
    /// </summary>
    /// <param name="prompt">The prompt, at least one token.</param>
    IDecodingSequence CreateSequence(ReadOnlySpan<int> prompt) => CreateSequence();

    /// <summary>Appends tokens to sequences, all in one step.</summary>
    /// <param name="inputs">The sequences, each at most once, with their tokens.</param>
    /// <param name="logits">Filled with the logits, [rows, vocabulary], in the order of the inputs: one row for each
    /// token of an input with <see cref="SequenceInput.AllLogits"/>, and one row after the last token of any
    /// other.</param>
    /// <exception cref="ArgumentException">A sequence belongs to another model or exceeds the context length, a token
    /// is unknown, or the logits have the wrong size.</exception>
    void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits);
}

/// <summary>A sequence of an <see cref="IBatchedLanguageModel"/> that is being generated.</summary>
public interface IDecodingSequence : IDisposable
{
    /// <summary>Number of tokens appended so far.</summary>
    int Length { get; }

    /// <summary>
    /// Creates another sequence with the same tokens. The two share their state until one of them continues.
    /// </summary>
    IDecodingSequence Fork();

    /// <summary>Whether <see cref="Truncate"/> is supported.</summary>
    bool CanTruncate { get; }

    /// <summary>Removes all but the first tokens.</summary>
    /// <param name="length">Number of tokens to keep, 0 to <see cref="Length"/>.</param>
    /// <exception cref="NotSupportedException"><see cref="CanTruncate"/> is false.</exception>
    void Truncate(int length);
}

/// <summary>The tokens that a sequence appends in a step.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Tokens">The tokens to append, at least one.</param>
/// <param name="AllLogits">Whether to return the logits after each token rather than only after the last.</param>
public readonly record struct SequenceInput(
    IDecodingSequence Sequence, ReadOnlyMemory<int> Tokens, bool AllLogits = false)
{
    /// <summary>
    /// Whether each input has exactly one token, as in a decoding step; an input with several reads a prompt.
    /// </summary>
    internal static bool AreOneTokenEach(ReadOnlySpan<SequenceInput> inputs)
    {
        foreach (ref readonly SequenceInput input in inputs)
        {
            if (input.Tokens.Length != 1)
                return false;
        }
        return true;
    }

    /// <summary>Throws if tokens are missing or unknown to a model, or if their logits do not fit.</summary>
    internal static void Check(IBatchedLanguageModel model, ReadOnlySpan<SequenceInput> inputs, int logits)
    {
        long rows = 0;
        foreach (SequenceInput input in inputs)
        {
            if (input.Tokens.IsEmpty)
                throw new ArgumentException("a sequence appends no tokens", nameof(inputs));
            if (input.Tokens.Span.IndexOfAnyExceptInRange(0, model.VocabularySize - 1) is >= 0 and int at)
                throw new ArgumentException(
                    $"the token {input.Tokens.Span[at]} is not among the {model.VocabularySize}", nameof(inputs));
            rows += input.AllLogits ? input.Tokens.Length : 1;
        }
        if (logits != rows * model.VocabularySize)
            throw new ArgumentException($"{logits} places are not {rows} × {model.VocabularySize} logits",
                nameof(logits));
    }

    /// <summary>
    /// Appends tokens so that the result for a sequence does not depend on the others: inputs with one token share a
    /// step, in which models compute each sequence as if it were alone, and each input with several tokens has its own
    /// step.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">The sequences, each at most once, with their tokens.</param>
    /// <param name="logits">As in <see cref="IBatchedLanguageModel.Append"/>.</param>
    internal static void Append(IBatchedLanguageModel model, ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
    {
        while (!inputs.IsEmpty)
        {
            int count = 0;
            while (count < inputs.Length && inputs[count].Tokens.Length == 1)
                count++;
            int rows = Math.Max(1, count);
            if (count == 0)
                (count, rows) = (1, inputs[0].AllLogits ? inputs[0].Tokens.Length : 1);
            model.Append(inputs[..count], logits[..(rows * model.VocabularySize)]);
            inputs = inputs[count..];
            logits = logits[(rows * model.VocabularySize)..];
        }
    }
}
