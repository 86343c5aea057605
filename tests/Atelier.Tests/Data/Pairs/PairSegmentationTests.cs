using Atelier.Data.Pairs;
using Atelier.Recipes;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Tests.Data.Pairs;

public sealed class PairSegmentationTests : IDisposable
{
    private readonly PairFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private PairData Prepare(TokenizerKind kind) => PairData.Prepare(
        new DataSection
        {
            Source = _folder.Lines("pairs.tsv", Enumerable.Range(0, 60).Select(i =>
                $"the number {i} of many numbers\tdie Nummer {i} von vielen Nummern")),
            Tokenizer = new() { Kind = kind, VocabularySize = 320 },
        }, 1, _folder.Files[$"{kind}"]);

    private static (string Source, string Target)[] Texts(PairData data, PairBatch batch)
    {
        string[] Decode(Tensor rows, Tokenizer tokenizer) =>
            [.. rows.data<long>().ToArray().Chunk((int)rows.shape[1]).Select(row =>
                tokenizer.Decode([.. row.Select(id => (int)id).Where(id => id != tokenizer.EndOfTextId)]))];
        return [.. Decode(batch.Source, data.SourceTokenizer).Zip(Decode(batch.Inputs, data.TargetTokenizer))];
    }

    [Fact]
    public void Batches_hold_the_same_texts_in_other_pieces_in_each_epoch()
    {
        using PairData data = Prepare(TokenizerKind.Bpe);
        PairBatches Batches(double dropout) => new(data.Train, data.Ends, 4096, 256, 1, shuffled: false,
            PairSegmentation.Of(data, "", dropout, seed: 1));
        PairBatches batches = Batches(0.3);
        batches.BatchesPerEpoch.ShouldBe(1);
        using PairBatch first = batches.Get(0), again = Batches(0.3).Get(0), second = batches.Get(1),
            plain = Batches(0).Get(0);
        Texts(data, first).ShouldBe(Texts(data, plain));
        Texts(data, second).ShouldBe(Texts(data, plain));
        first.Source.data<long>().ToArray().ShouldBe(again.Source.data<long>().ToArray());
        first.Source.data<long>().ToArray().ShouldNotBe(second.Source.data<long>().ToArray());
        first.Source.shape[1].ShouldBeGreaterThan(plain.Source.shape[1]);
    }

    [Fact]
    public void Sources_keep_their_prefix()
    {
        using PairData data = Prepare(TokenizerKind.Bpe);
        using PairBatch batch = new PairBatches(data.Train, data.Ends, 4096, 256, 1, shuffled: false,
            PairSegmentation.Of(data, "to German: ", 0.1, seed: 1)).Get(0);
        Texts(data, batch).ShouldAllBe(pair => pair.Source.StartsWith("to German: the number"));
    }

    [Fact]
    public void Another_tokenizer_is_refused_in_one_line()
    {
        using PairData data = Prepare(TokenizerKind.Unigram);
        AtelierException e = Should.Throw<AtelierException>(() => PairSegmentation.Of(data, "", 0.1, seed: 1));
        e.Message.ShouldContain("leaves out merges, which a unigram tokenizer does not have");
        PairSegmentation.Of(data, "", 0, seed: 1).ShouldBeNull();
    }
}
