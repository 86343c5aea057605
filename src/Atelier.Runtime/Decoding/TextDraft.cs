using Atelier.Decoding.Constraints;
using Atelier.Tokenizers;

namespace Atelier.Decoding;

/// <summary>A sample under way: its tokens, its text, and what decides the next one.</summary>
/// <param name="number">The number of the sample.</param>
/// <param name="prompt">The start token and the prompt.</param>
/// <param name="tokenizer">What tokens stand for.</param>
/// <param name="options">How tokens are chosen.</param>
/// <param name="constraint">What the text must be, or null.</param>
/// <param name="seed">Of its own random stream.</param>
/// <param name="fromStart">Whether it begins a text, and does not go on from a prompt.</param>
internal sealed class TextDraft(
    int number, int[] prompt, Tokenizer tokenizer, DecodingOptions options, TokenConstraint? constraint, ulong seed, bool fromStart)
{
    private readonly TextStream _stream = new(tokenizer, fromStart);
    private readonly StopStrings _stops = new(options.Stop);
    private readonly TokenCounts _seen = new(prompt.Skip(1));
    private ConstraintState? _state = constraint?.Start(fromStart);
    private SplitMix64 _random = new(seed);
    private int _generated;

    /// <summary>All tokens: the start, the prompt, what was generated.</summary>
    public List<int> Ids { get; } = [.. prompt];

    public int LastId => Ids[^1];

    public string? FinishReason { get; private set; }

    /// <summary>Chooses the next token.</summary>
    public TokenChoice Choose(TokenSampler sampler, ReadOnlySpan<float> logits) =>
        sampler.Choose(logits, _seen, _state is null ? [] : constraint!.Allowed(_state), ref _random);

    /// <summary>Goes on with a token.</summary>
    public TextPiece Add(TokenChoice choice)
    {
        string text = "";
        Ids.Add(choice.Id);
        _seen.Add(choice.Id);
        _generated++;
        if (_state is not null)
            _state = constraint!.Advance(_state, choice.Id);
        if (choice.Id == tokenizer.EndOfTextId)
        {
            FinishReason = "end";
        }
        else
        {
            text = _stops.Add(_stream.Add(choice.Id));
            // A vocabulary without an end token ends where the constraint allows nothing more.
            FinishReason = _stops.Reached ? "stop"
                : tokenizer.EndOfTextId is null && _state is { IsFinal: true } ? "end"
                : _generated >= options.MaxTokens ? "length" : null;
        }
        if (FinishReason is "end" or "length")
        {
            text += _stops.Add(_stream.Finish());
            text += _stops.Finish();
        }
        return new TextPiece(number, text, choice, FinishReason);
    }
}
