using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Generation.Constraints;
using Atelier.Tokenizers;

namespace Atelier.Generation.Speculative;

/// <summary>
/// A sample that is being generated: its tokens, its text, and the state that determines the next token.
/// </summary>
internal sealed class TextDraft
{
    private const int MostReserved = 1 << 16; // the largest number of tokens to reserve memory for

    private readonly int _number;
    private readonly TokenConstraint? _constraint;
    private readonly TextStream _stream;
    private readonly StopStrings _stops;
    private readonly TokenCounts? _seen;
    private readonly TokenBans? _bans;
    private readonly int _promptLength;
    private SplitMix64 _random;
    private int _generated;

    /// <summary>Creates a sample.</summary>
    /// <param name="number">The index of the sample in its request.</param>
    /// <param name="prompt">The start token and the prompt.</param>
    /// <param name="texts">The texts of the tokens.</param>
    /// <param name="options">The options for choosing tokens.</param>
    /// <param name="constraint">The constraint on the text; null for none.</param>
    /// <param name="seed">The seed of the sample's random stream.</param>
    /// <param name="fromStart">Whether the sample begins a new text rather than continuing a prompt.</param>
    public TextDraft(int number, int[] prompt, TokenTexts texts, DecodingOptions options, TokenConstraint? constraint,
        ulong seed, bool fromStart)
    {
        (_number, Options, _constraint, _random) = (number, options, constraint, new SplitMix64(seed));
        _stream = new TextStream(texts, fromStart);
        _stops = new StopStrings(options.Stop);
        _promptLength = prompt.Length;
        if (options is not { NoRepeatNgram: 0, MinTokens: 0 })
            _bans = new TokenBans(options, texts.Tokenizer.VocabularySize);
        int reserved = Math.Min(options.MaxTokens, MostReserved);
        if (options is not { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 })
            _seen = new TokenCounts(prompt.Skip(1), Math.Min(reserved, texts.Tokenizer.VocabularySize));
        Ids = new List<int>(prompt.Length + reserved);
        Ids.AddRange(prompt);
        State = constraint?.Start(fromStart);
    }

    public DecodingOptions Options { get; }

    /// <summary>All tokens: the start token, the prompt and the generated tokens.</summary>
    public List<int> Ids { get; }

    /// <summary>The tokens that end the sample.</summary>
    public int[] EndIds { get; init; } = [];

    /// <summary>The number of alternatives that each token carries.</summary>
    public int AlternativeCount { get; init; }

    /// <summary>Number of tokens of the source that the text is written for; 0 without a source.</summary>
    public int SourceLength { get; init; }

    public int LastId => Ids[^1];

    /// <summary>The largest number of tokens that may still be generated.</summary>
    public int TokensLeft => Options.MaxTokens - _generated;

    /// <summary>The state of the constraint; null without a constraint.</summary>
    public ConstraintState? State { get; private set; }

    public string? FinishReason { get; private set; }

    /// <summary>Whether the tokens so far decide which tokens are allowed.</summary>
    public bool NeedsHistory => _bans is not null;

    /// <summary>Returns the state of the constraint after a token.</summary>
    public ConstraintState? After(ConstraintState? state, int token) =>
        state is null ? null : _constraint!.Advance(state, token);

    /// <summary>Chooses the next token.</summary>
    public TokenChoice Choose(TokenSampler sampler, ReadOnlySpan<float> logits) =>
        WithAlternatives(sampler.Choose(logits, _seen, Allowed(State, CollectionsMarshal.AsSpan(Ids)), ref _random),
            logits);

    /// <summary>
    /// Accepts a proposal that was drawn from a draft model's distribution, or replaces it, so that the chosen token
    /// has the model's own distribution.
    /// </summary>
    /// <param name="sampler">Computes the model's distribution from the logits.</param>
    /// <param name="logits">The model's logits, [vocabulary].</param>
    /// <param name="proposal">The proposed token.</param>
    /// <param name="drawnFrom">The distribution that the proposal was drawn from, [vocabulary].</param>
    public TokenChoice Choose(
        TokenSampler sampler, ReadOnlySpan<float> logits, int proposal, ReadOnlySpan<float> drawnFrom)
    {
        ReadOnlySpan<ulong> allowed = Allowed(State, CollectionsMarshal.AsSpan(Ids));
        ReadOnlySpan<float> distribution = sampler.Distribution(logits, _seen, allowed);
        int id = SpeculativeSampling.Choose(proposal, distribution, drawnFrom, ref _random);
        return WithAlternatives(new TokenChoice(id, Logits.LogProbability(logits, id)), logits);
    }

    /// <summary>Draws a token from a draft model's logits.</summary>
    /// <param name="sampler">Computes the distribution from the logits.</param>
    /// <param name="logits">The draft model's logits, [vocabulary].</param>
    /// <param name="state">The state of the constraint before the token.</param>
    /// <param name="distribution">Filled with the distribution that the token was drawn from, [vocabulary].</param>
    /// <param name="token">The proposed token.</param>
    /// <returns>False if the draft model gives no probability to any allowed token.</returns>
    public bool TryPropose(TokenSampler sampler, ReadOnlySpan<float> logits, ConstraintState? state,
        Span<float> distribution, out int token)
    {
        token = 0;
        ReadOnlySpan<ulong> allowed = state is null ? [] : _constraint!.Mask(state);
        if (!Logits.AnyLeft(logits, allowed))
            return false;
        sampler.Distribution(logits, _seen, allowed).CopyTo(distribution);
        token = TokenSampler.Pick(distribution, _random.NextDouble());
        return true;
    }

    /// <summary>Appends a token and returns the piece of text that has become final.</summary>
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

    /// <summary>
    /// Returns whether a token ends the sample, or completes the text so that the constraint allows nothing more.
    /// </summary>
    public bool Ends(int token, ConstraintState? after) => EndIds.AsSpan().Contains(token) || IsWhole(after);

    /// <summary>
    /// Returns a bit for each allowed token; empty if all tokens are allowed. The next call overwrites the result.
    /// </summary>
    /// <param name="state">The state of the constraint; null without a constraint.</param>
    /// <param name="ids">All tokens so far: the start token, the prompt and the generated tokens. Not read unless
    /// <see cref="NeedsHistory"/>.</param>
    public ReadOnlySpan<ulong> Allowed(ConstraintState? state, ReadOnlySpan<int> ids)
    {
        ReadOnlySpan<ulong> allowed = state is null ? [] : _constraint!.Allowed(state);
        return _bans is null ? allowed : _bans.Apply(allowed, ids, ids.Length - _promptLength, EndIds);
    }

    private TokenChoice WithAlternatives(TokenChoice choice, ReadOnlySpan<float> logits) => AlternativeCount == 0
        ? choice : choice with { Alternatives = Logits.MostProbable(logits, AlternativeCount) };

    /// <summary>Without an end token, a text is complete when the constraint allows nothing more.</summary>
    private bool IsWhole(ConstraintState? state) => state is { IsFinal: true } && !_constraint!.HasEnd;
}
