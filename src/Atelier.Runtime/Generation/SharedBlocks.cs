namespace Atelier.Generation;

/// <summary>
/// Lets samples take over what others have read of the same prompt, without changing any of their tokens. The rounding
/// of what a model reads depends on how many tokens it reads at once. Therefore only whole blocks are shared: alone, a
/// sample reads them too, from the same places and as many tokens at once. The last tokens of a prompt, and generated
/// ones, are read by each sample itself.
/// </summary>
internal static class SharedBlocks
{
    /// <summary>
    /// Takes over the blocks that another sample has read before, if there are more than the sample itself has read.
    /// </summary>
    /// <param name="sample">The sample that is about to read.</param>
    /// <param name="samples">All samples.</param>
    /// <param name="reading">The samples that read in this step.</param>
    /// <returns>Whether the sample should not read in this step, since another one reads its next block.</returns>
    public static bool TakeOver(BatchedSequence sample, List<BatchedSequence> samples, List<BatchedSequence> reading)
    {
        const int block = BatchedDecoder.PromptBlock;
        SequenceWindow own = sample.Window;
        if (!own.ReadsWholeBlock(sample.Draft.Ids, block + 1)) // a token must be left, whose logits are needed
            return false;
        ReadOnlySpan<int> tokens = own.Tokens(sample.Draft.Ids)[..^1];
        SequenceWindow? best = null;
        int most = own.InBlocks, soon = 0;
        foreach (BatchedSequence other in samples)
        {
            SequenceWindow window = other.Window;
            if (other == sample || window.Sequence is not { CanTruncate: true })
                continue;
            int common = tokens.CommonPrefixLength(window.Tokens(other.Draft.Ids)) / block * block;
            if (Math.Min(common, window.InBlocks) > most)
                (best, most) = (window, Math.Min(common, window.InBlocks));
            if (common > window.InBlocks && window.ReadsWholeBlock(other.Draft.Ids, block) && reading.Contains(other))
                soon = Math.Max(soon, window.InBlocks + block);
        }
        if (best is not null)
            own.TakeOver(best, most);
        return soon > most;
    }
}
