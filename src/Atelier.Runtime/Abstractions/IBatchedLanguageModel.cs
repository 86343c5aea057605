namespace Atelier.Abstractions;

/// <summary>
/// A language model that reads tokens of many sequences in one step, each of its own length: sequences join and leave
/// between steps as they please. In a step in which every sequence goes on by one token, each one's logits are to the
/// bit what they are alone.
/// </summary>
public interface IBatchedLanguageModel : ILanguageModel
{
    /// <summary>
    /// What each further token that a step reads of one sequence adds to its time, in steps of one token: near 0 where
    /// reading
    /// the weights takes the time, 1 where tokens read together take as long as one by one. Says how far it pays to
    /// look
    /// ahead in speculative decoding. A quarter where a model does not say.
    /// </summary>
    double FurtherTokenCost => 0.25;

    /// <summary>The bytes of weights that a step reads; 0 where they are not known.</summary>
    long StepBytes => 0;

    /// <summary>Begins an empty sequence.</summary>
    IDecodingSequence CreateSequence();

    /// <summary>
    /// Begins a sequence that is to read a prompt, with as much of the prompt's beginning as a living sequence has read
    /// and
    /// can share: <see cref="IDecodingSequence.Length"/> says how much; the rest is to be appended, at least its last
    /// token.
    /// </summary>
    /// <param name="prompt">The prompt, at least one token.</param>
    IDecodingSequence CreateSequence(ReadOnlySpan<int> prompt) => CreateSequence();

    /// <summary>Appends tokens to sequences, all in one step.</summary>
    /// <param name="inputs">The sequences, each at most once, with their tokens.</param>
    /// <param name="logits">
    /// One row of the vocabulary after another, in the order of the inputs: of an input with
    /// <see cref="SequenceInput.AllLogits"/> a row a token, of another the row after its last token.
    /// </param>
    /// <exception cref="ArgumentException">A sequence is another model's or would leave the context, a token is
    /// unknown, or the logits do not fit.</exception>
    void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits);
}

/// <summary>A sequence under way in an <see cref="IBatchedLanguageModel"/>.</summary>
public interface IDecodingSequence : IDisposable
{
    /// <summary>The tokens appended so far.</summary>
    int Length { get; }

    /// <summary>
    /// Another sequence with the same past; what the model keeps of it is shared until one of them goes on.
    /// </summary>
    IDecodingSequence Fork();

    /// <summary>Whether <see cref="Truncate"/> can forget tokens again.</summary>
    bool CanTruncate { get; }

    /// <summary>Forgets all but the first tokens.</summary>
    /// <param name="length">The tokens to keep, 0 to <see cref="Length"/>.</param>
    /// <exception cref="NotSupportedException">The model cannot: <see cref="CanTruncate"/> says so.</exception>
    void Truncate(int length);
}

/// <summary>What one sequence appends in a step.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Tokens">Its tokens, at least one.</param>
/// <param name="AllLogits">Whether the logits after each token are wanted, or only after the last.</param>
public readonly record struct SequenceInput(
    IDecodingSequence Sequence, ReadOnlyMemory<int> Tokens, bool AllLogits = false)
{
    /// <summary>Whether each input goes on by one token: a step of decoding, and not the reading of a prompt.</summary>
    internal static bool AreOneTokenEach(ReadOnlySpan<SequenceInput> inputs)
    {
        foreach (ref readonly SequenceInput input in inputs)
        {
            if (input.Tokens.Length != 1)
                return false;
        }
        return true;
    }

    /// <summary>
    /// Appends so that what a sequence says does not depend on the others: those that go on by one token in one step,
    /// of which models compute each sequence as if it were alone, and those that read several tokens each in a step of
    /// its own.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">The sequences, each at most once, with their tokens.</param>
    /// <param name="logits">As <see cref="IBatchedLanguageModel.Append"/> takes them.</param>
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
