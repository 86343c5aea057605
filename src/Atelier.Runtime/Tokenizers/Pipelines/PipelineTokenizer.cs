using System.Text;
using Atelier.Formats;

namespace Atelier.Tokenizers.Pipelines;

/// <summary>
/// A tokenizer that runs the steps of a tokenizer.json one by one: normalizer, pre-tokenizer, model, post-processor and
/// decoder, in any order and of any kind. The classes of single kinds are faster, can be trained and written to other
/// formats, and take the tokenizers that they reproduce exactly; this class takes all others.
/// </summary>
internal sealed class PipelineTokenizer : Tokenizer
{
    // The usual names of the end-of-text token.
    private static readonly string[] Ends =
        [TokenTable.EndOfText, "<|end_of_text|>", "</s>", "<|im_end|>", "<eos>", "[SEP]"];

    private readonly IReadOnlyList<string> _names;
    private readonly Dictionary<string, int> _ids;
    private readonly WordModel _model;
    private readonly TokenDecoder _decoder;
    private readonly TextSteps _steps;
    private readonly AddedTokens _all;
    private readonly WordCache _words;
    private readonly PieceEncoder _encodeWords;
    private readonly Dictionary<int, string> _decoded; // the names of added tokens in decoders, where they differ
    private readonly HashSet<int> _special;
    private readonly byte[]?[] _bytes;
    private readonly byte[] _source;

    /// <summary>Creates a tokenizer.</summary>
    /// <param name="names">The names of the tokens by id.</param>
    /// <param name="model">The model.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="steps">The steps before the model, with the added tokens that are not special.</param>
    /// <param name="specials">The special tokens.</param>
    /// <param name="source">The tokenizer.json.</param>
    public PipelineTokenizer(IReadOnlyList<string> names, WordModel model, TokenDecoder decoder, TextSteps steps,
        IReadOnlyList<AddedToken> specials, byte[] source)
    {
        (_names, _model, _decoder, _steps, _source) = (names, model, decoder, steps, source);
        _ids = names.Index().ToDictionary(name => name.Item, name => name.Index);
        _special = [.. specials.Select(token => token.Id)];
        _all = new AddedTokens([.. specials, .. steps.Added], steps.Normalizer);
        // Such a token is found in normalized text, so that it is decoded from it.
        _decoded = steps.Normalizer is null ? [] : steps.Added.Where(token => token.IsNormalized)
            .ToDictionary(token => token.Id, token => steps.Normalizer.Apply(token.Text));
        _words = new WordCache(word =>
        {
            List<int> ids = [];
            _model.Encode(word.ToString(), ids);
            return [.. ids];
        });
        _encodeWords = (text, isFirst, ids) => _steps.EncodeWords(text, isFirst, ids, _words);
        _bytes = new byte[]?[names.Count];
        EndOfTextId = Ends.Where(name => _ids.TryGetValue(name, out int id) && _special.Contains(id))
            .Select(name => (int?)_ids[name]).FirstOrDefault();
        FirstOrdinary = Enumerable.Range(0, names.Count).FirstOrDefault(id =>
            !_special.Contains(id) && names[id].All(char.IsAsciiLetter) && names[id].Length > 0);
    }

    /// <inheritdoc/>
    public override string Kind => _model.Kind;

    /// <inheritdoc/>
    public override int VocabularySize => _names.Count;

    /// <inheritdoc/>
    public override int? EndOfTextId { get; }

    /// <summary>The names of the steps up to the model, in order.</summary>
    internal IEnumerable<string> StepNames =>
        [.. _steps.Normalizer?.Names ?? [], .. _steps.Words?.Names ?? [], $"model {Kind}"];

    /// <inheritdoc/>
    internal override bool DecodesInContext => !_decoder.IsByteLevel;

    /// <inheritdoc/>
    internal override int FirstOrdinary { get; }

    /// <inheritdoc/>
    internal override IEnumerable<(string Name, int Id)> SpecialIds =>
        _special.Order().Select(id => (_names[id], id));

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<char> text, List<int> ids) => EncodePart(text, true, ids);

    /// <inheritdoc/>
    internal override void EncodePart(ReadOnlySpan<char> text, bool isFirst, List<int> ids) =>
        _steps.Encode(text, isFirst, ids, _encodeWords);

    /// <inheritdoc/>
    internal override List<int> EncodeNamed(string text)
    {
        var ids = new List<int>(text.Length);
        _all.Encode(text, true, ids, _encodeWords);
        return ids;
    }

    /// <inheritdoc/>
    internal override string DecodeInContext(IEnumerable<int> ids) => _decoder.Decode(
        ids.Where(id => !_special.Contains(id)).Select(DecodedName));

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Bytes(int id) => _bytes[id] ??= BytesOf(id);

    /// <inheritdoc/>
    public override string Name(int id) => _names[id];

    /// <inheritdoc/>
    public override void Save(string path) => AtomicFile.Write(path, stream => stream.Write(_source));

    /// <summary>Returns what a token adds to a text.</summary>
    private byte[] BytesOf(int id)
    {
        if (_special.Contains(id))
            return [];
        string name = DecodedName(id);
        if (_decoder.IsByteLevel)
            return TokenTable.AnyByteLevelBytes(name);
        if (_decoder.FallsBack && TokenTable.FallbackByte(name) is byte value)
            return [value];
        string before = _names[FirstOrdinary], one = _decoder.Decode([before]), two = _decoder.Decode([before, name]);
        return Encoding.UTF8.GetBytes(two.StartsWith(one, StringComparison.Ordinal) ? two[one.Length..] : two);
    }

    private string DecodedName(int id) => _decoded.TryGetValue(id, out string? name) ? name : _names[id];
}
