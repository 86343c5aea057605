using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Models.Rnn;
using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tokenizers;

namespace Atelier.Tests.Models;

/// <summary>A recurrent bundle gives the logits without libtorch that the network which wrote it gives.</summary>
public sealed class RecurrentRuntimeTests
{
    private static readonly ByteTokenizer Bytes = new();

    [Theory]
    [InlineData(CellName.Plain, 1, false)]
    [InlineData(CellName.Lstm, 2, false)]
    [InlineData(CellName.Gru, 2, false)]
    [InlineData(CellName.Gru, 1, true)]
    public void Logits_are_the_training_library_s(CellName cell, int layers, bool tied)
    {
        using var folder = new TemporaryFolder();
        using RnnModel model = Save(folder["bundle"],
            new() { Cell = cell, LayerCount = layers, EmbeddingSize = 24, HiddenSize = tied ? 24
            : 40, TieHead = tied });
        int[] tokens = TextModels.RandomTokens(300, Bytes.VocabularySize, 5); // more than go through a layer together

        using TextGenerator opened = TextModelFile.Open(folder["bundle"]);
        float[] logits = Read((IBatchedLanguageModel)opened.Model, tokens);
        logits.ShouldBeNear(TextModels.Logits(model, tokens), 1e-4);
    }

    [Fact]
    public void Sequences_of_different_lengths_read_side_by_side_as_they_do_alone()
    {
        using var folder = new TemporaryFolder();
        using RnnModel model =
            Save(folder["bundle"], new() { Cell = CellName.Lstm, LayerCount = 2, EmbeddingSize = 24, HiddenSize = 40 });
        using TextGenerator opened = TextModelFile.Open(folder["bundle"]);
        var batched = (IBatchedLanguageModel)opened.Model;
        int[][] tokens =
            [.. new[] { 3, 11, 1, 7,
            11 }.Select((length, i) => TextModels.RandomTokens(length, Bytes.VocabularySize, i))];
        SequenceInput[] inputs =
            [.. tokens.Select((row, i) => new SequenceInput(batched.CreateSequence(), row, AllLogits: i % 2 == 0))];
        float[] logits = new float[inputs.Sum(i => i.AllLogits ? i.Tokens.Length : 1) * Bytes.VocabularySize];
        batched.Append(inputs, logits);

        IEnumerable<float> alone = tokens.SelectMany((row, i) =>
        {
            float[] all = Read(batched, row);
            return i % 2 == 0 ? all : all[^Bytes.VocabularySize..];
        });
        logits.ShouldBeNear([.. alone], 1e-5);
    }

    [Fact]
    public void A_copied_sequence_goes_its_own_way()
    {
        using var folder = new TemporaryFolder();
        using RnnModel model =
            Save(folder["bundle"], new() { Cell = CellName.Gru, EmbeddingSize = 24, HiddenSize = 40 });
        using TextGenerator opened = TextModelFile.Open(folder["bundle"]);
        var batched = (IBatchedLanguageModel)opened.Model;
        int[] tokens = TextModels.RandomTokens(12, Bytes.VocabularySize, 5);
        float[] logits = new float[Bytes.VocabularySize];
        using IDecodingSequence first = batched.CreateSequence();
        batched.Append([new SequenceInput(first, tokens.AsMemory(0, 6))], logits);
        using IDecodingSequence copy = first.Fork();
        batched.Append([new SequenceInput(first, new[] { 1, 2, 3 })], logits);
        batched.Append([new SequenceInput(copy, tokens.AsMemory(6))], logits);
        logits.ShouldBeNear(Read(batched, tokens)[^Bytes.VocabularySize..], 1e-5);
    }

    private static float[] Read(IBatchedLanguageModel model, int[] tokens)
    {
        float[] logits = new float[tokens.Length * model.VocabularySize];
        using IDecodingSequence sequence = model.CreateSequence();
        model.Append([new SequenceInput(sequence, tokens, AllLogits: true)], logits);
        return logits;
    }

    private static RnnModel Save(string folder, RnnConfig config)
    {
        var model = new RnnModel(config, Bytes.VocabularySize, Precision.Fp32, seed: 3);
        new RnnFamily().Write(folder, model, Bytes, new DecodingOptions(), 256, "rnn");
        return model;
    }
}
