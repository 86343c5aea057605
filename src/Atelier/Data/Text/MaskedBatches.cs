using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Data.Text;

/// <summary>
/// Batches for masked language modelling: rows of consecutive tokens between the special tokens of the model, of which
/// some are masked (Devlin et al. 2019). The targets are the original tokens at masked positions, and
/// <see cref="TextBatch.NotCounted"/> elsewhere. Rows may run over the ends of documents, as in Liu et al. 2019,
/// section 4.2.
/// </summary>
/// <remarks>
/// The masks depend only on the seed and the number of the batch. Shuffled, they differ whenever a text is seen again
/// (Liu et al. 2019, section 4.1); unshuffled, they are the same in each pass.
/// </remarks>
public sealed class MaskedBatches : IBatchSource<TextBatch>
{
    private const ulong MaskStream = 0x6D61736B; // keeps the masks apart from the positions of the rows

    private readonly TextBatches _text;
    private readonly TokenMasker _masker;
    private readonly MaskedTokens _tokens;
    private readonly ulong _seed;
    private readonly bool _shuffled;

    /// <summary>Creates the source. It reads the file as batches are requested, and does not dispose it.</summary>
    /// <param name="file">The token file.</param>
    /// <param name="masker">Chooses the tokens to predict.</param>
    /// <param name="tokens">The special tokens of the model.</param>
    /// <param name="batchSize">The number of rows per batch; at least 1.</param>
    /// <param name="contextLength">The number of tokens per row, special tokens included. Unshuffled, a file with fewer
    /// tokens gives shorter rows.</param>
    /// <param name="seed">The seed of the random positions and masks.</param>
    /// <param name="shuffled">Whether rows begin at random positions, or cover the file in order.</param>
    /// <exception cref="AtelierException">The file has fewer than two tokens.</exception>
    public MaskedBatches(TokenFile file, TokenMasker masker, MaskedTokens tokens, int batchSize, int contextLength,
        long seed, bool shuffled)
    {
        _text = new TextBatches(file, batchSize, contextLength - tokens.AddedCount, seed, shuffled);
        (_masker, _tokens, _shuffled) = (masker, tokens, shuffled);
        _seed = SplitMix64.At((ulong)seed, MaskStream);
    }

    /// <inheritdoc/>
    public long BatchesPerEpoch => _text.BatchesPerEpoch;

    /// <inheritdoc/>
    public long ItemsPerBatch => _text.ItemsPerBatch;

    /// <inheritdoc/>
    public TextBatch Get(long number)
    {
        using TextBatch plain = _text.Get(number);
        int rows = (int)plain.Inputs.shape[0], length = (int)plain.Inputs.shape[1];
        ReadOnlySpan<long> inputs = Values(plain.Inputs), next = Values(plain.Targets);
        int whole = length + _tokens.AddedCount, lead = _tokens.LeadingCount;
        long[] tokens = new long[rows * whole], targets = new long[tokens.Length];
        targets.AsSpan().Fill(TextBatch.NotCounted);
        ulong seed = SplitMix64.At(_seed, (ulong)(_shuffled ? number : number % BatchesPerEpoch));
        for (int row = 0; row < rows; row++)
        {
            Span<long> all = tokens.AsSpan(row * whole, whole), own = all.Slice(lead, length);
            ReadOnlySpan<long> following = next.Slice(row * length, length);
            // Unused positions at the end of a row hold tokens that belong to the next one: context without targets.
            int used = following.IndexOf(TextBatch.NotCounted) is >= 0 and int found ? found : length;
            following[..used].CopyTo(own);
            if (used < length)
                inputs.Slice((row * length) + used + 1, length - used - 1).CopyTo(own[used..]);
            if (used < length)
                own[^1] = _tokens.EndId ?? own[used - 1];
            if (_tokens.BeginId is { } begin)
                all[0] = begin;
            if (_tokens.EndId is { } end)
                all[^1] = end;
            var random = new SplitMix64(SplitMix64.At(seed, (ulong)row));
            _masker.Apply(own[..used], targets.AsSpan((row * whole) + lead, used), ref random);
        }
        return new TextBatch(tensor(tokens, rows, whole), tensor(targets, rows, whole));
    }

    private static ReadOnlySpan<long> Values(Tensor tensor) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(tensor.bytes);
}
