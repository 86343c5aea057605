using Atelier.Abstractions;
using Atelier.Generation.Constraints;
using Atelier.Tokenizers;

namespace Atelier.Generation.Speculative;

/// <summary>A sample that is being generated: its tokens, its text, and what chooses the next token.</summary>
internal sealed class TextDraft
{
    private const int MostReserved = 1 << 16; // tokens that room is made for beforehand

    private readonly int _number;
    private readonly TokenConstraint? _constraint;
    private readonly TextStream _stream;
    private readonly StopStrings _stops;
    private readonly TokenCounts? _seen;
    private SplitMix64 _random;
    private int _generated;

    /// <summary>Begins a sample.</summary>
    /// <param name="number">The number of the sample.</param>
    /// <param name="prompt">The start token and the prompt.</param>
    /// <param name="texts">What tokens stand for.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="constraint">What the text must be, or null.</param>
    /// <param name="seed">Of its own random stream.</param>
    /// <param name="fromStart">Whether it begins a text, and does not go on from a prompt.</param>
    public TextDraft(int number, int[] prompt, TokenTexts texts, DecodingOptions options, TokenConstraint? constraint,
        ulong seed, bool fromStart)
    {
        (_number, Options, _constraint, _random) = (number, options, constraint, new SplitMix64(seed));
        _stream = new TextStream(texts, fromStart);
        _stops = new StopStrings(options.Stop);
        int reserved = Math.Min(options.MaxTokens, MostReserved);
        if (options is not { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 })
            _seen = new TokenCounts(prompt.Skip(1), Math.Min(reserved, texts.Tokenizer.VocabularySize));
        Ids = new List<int>(prompt.Length + reserved);
        Ids.AddRange(prompt);
        State = constraint?.Start(fromStart);
    }

    public DecodingOptions Options { get; }

    /// <summary>All tokens: the start, the prompt, what was generated.</summary>
    public List<int> Ids { get; }

    /// <summary>Tokens that end it.</summary>
    public int[] EndIds { get; init; } = [];

    public int LastId => Ids[^1];

    /// <summary>The most tokens that may still come.</summary>
    public int TokensLeft => Options.MaxTokens - _generated;

    /// <summary>Where the constraint stands, or null where there is none.</summary>
    public ConstraintState? State { get; private set; }

    public string? FinishReason { get; private set; }

    /// <summary>Where the constraint would stand after a token.</summary>
    public ConstraintState? After(ConstraintState? state, int token) =>
        state is null ? null : _constraint!.Advance(state, token);

    /// <summary>Chooses the next token.</summary>
    public TokenChoice Choose(TokenSampler sampler, ReadOnlySpan<float> logits) =>
        sampler.Choose(logits, _seen, Allowed(State), ref _random);

    /// <summary>
    /// Takes a token that was drawn from other odds, or another in its place, so that the choice is one of the model's
    /// own.
    /// </summary>
    public TokenChoice Choose(TokenSampler sampler, ReadOnlySpan<float> logits, int proposal, ReadOnlySpan<float> odds)
    {
        int id = SpeculativeSampling.Choose(proposal, sampler.Distribution(logits, _seen, Allowed(State)), odds,
            ref _random);
        return new TokenChoice(id, Logits.LogProbability(logits, id));
    }

    /// <summary>Draws a token from a draft model's logits.</summary>
    /// <param name="sampler">Makes odds of logits.</param>
    /// <param name="logits">The draft model's, [vocabulary].</param>
    /// <param name="state">Where the constraint would stand.</param>
    /// <param name="odds">Filled with what it was drawn from, [vocabulary].</param>
    /// <param name="token">The token.</param>
    /// <returns>False where the draft model gives no probability to any token that may come.</returns>
    public bool TryPropose(
        TokenSampler sampler, ReadOnlySpan<float> logits, ConstraintState? state, Span<float> odds, out int token)
    {
        token = 0;
        ReadOnlySpan<ulong> allowed = state is null ? [] : _constraint!.Mask(state);
        if (!Logits.AnyLeft(logits, allowed))
            return false;
        sampler.Distribution(logits, _seen, allowed).CopyTo(odds);
        token = TokenSampler.Pick(odds, _random.NextDouble());
        return true;
    }

    /// <summary>Goes on with a token.</summary>
    public TextPiece Add(TokenChoice choice)
    {
        string text = "";
        Ids.Add(choice.Id);
        _seen?.Add(choice.Id);
        _generated++;
        State = After(State, choice.Id);
        if (EndIds.AsSpan().Contains(choice.Id))
        {
            FinishReason = "end";
        }
        else
        {
            text = _stops.Add(_stream.Add(choice.Id));
            FinishReason = _stops.Reached ? "stop"
                : IsWhole(State) ? "end"
                : TokensLeft <= 0 ? "length" : null;
        }
        if (FinishReason is "end" or "length")
        {
            text += _stops.Add(_stream.Finish());
            text += _stops.Finish();
        }
        return new TextPiece(_number, text, choice, FinishReason);
    }

    /// <summary>Whether a token ends it, or the text before it is whole.</summary>
    public bool Ends(int token, ConstraintState? after) => EndIds.AsSpan().Contains(token) || IsWhole(after);

    /// <summary>The tokens that may come, as bits; empty where all may.</summary>
    public ReadOnlySpan<ulong> Allowed(ConstraintState? state) => state is null ? [] : _constraint!.Allowed(state);

    /// <summary>A text that no token ends is whole where the constraint allows nothing more.</summary>
    private bool IsWhole(ConstraintState? state) => state is { IsFinal: true } && !_constraint!.HasEnd;
}
