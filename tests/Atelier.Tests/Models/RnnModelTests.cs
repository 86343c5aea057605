using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Generation;
using Atelier.Layers;
using Atelier.Models.Rnn;
using Atelier.Networks;
using Atelier.Runs;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

public sealed class RnnModelTests
{
    private const int Vocabulary = 11;

    public static TheoryData<CellName> Cells { get; } = [CellName.Plain, CellName.Lstm, CellName.Gru];

    [Theory]
    [MemberData(nameof(Cells))]
    public void Given_a_repeating_text_when_trained_by_a_plain_loop_then_it_learns_it(CellName cell)
    {
        using var model =
            new RnnModel(new RnnConfig { Cell = cell, EmbeddingSize = 16, HiddenSize = 24, LayerCount = 2 }, Vocabulary,
            Precision.Bf16, seed: 1);
        int[] text = [.. Enumerable.Range(0, 13 * 4).Select(i => i * i % Vocabulary)];
        using Tensor all = TextModels.Ids(text, 4);
        using var batch = new TextBatch(all.narrow(1, 0, 12).contiguous(), all.narrow(1, 1, 12).contiguous());
        using var optimizer = new PlainAdam(model);
        for (int step = 0; step < 60; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.Step(model.Objectives[0].Loss(batch), learningRate: 0.02);
        }
        model.Evaluate(batch)["loss"].ShouldBeLessThan(0.3);
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Given_a_hidden_state_when_tokens_come_in_pieces_then_logits_equal_the_whole_forward(CellName cell)
    {
        using var model = Small(cell);
        int[] a = TextModels.RandomTokens(12, Vocabulary, 1), b = TextModels.RandomTokens(12, Vocabulary, 2);
        float[] wholeA = TextModels.Logits(model, a), wholeB = TextModels.Logits(model, b);
        using IDecodingState state = model.CreateState(2);
        float[] logits = new float[2 * Vocabulary];
        int at = 0;
        foreach (int piece in new[] { 5, 1, 1, 3, 2 })
        {
            state.Append([.. a[at..(at + piece)], .. b[at..(at + piece)]], logits);
            at += piece;
            logits[..Vocabulary].ShouldBeNear(wholeA[((at - 1) * Vocabulary)..(at * Vocabulary)], 1e-5);
            logits[Vocabulary..].ShouldBeNear(wholeB[((at - 1) * Vocabulary)..(at * Vocabulary)], 1e-5);
        }
        state.Select([1]);
        state.Append([7], logits.AsSpan(0, Vocabulary));
        logits[..Vocabulary].ShouldBeNear(TextModels.Logits(model, [.. b, 7])[^Vocabulary..], 1e-5);
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Given_the_cells_equations_in_a_plain_loop_then_hidden_states_are_the_same(CellName cell)
    {
        const int inputs = 3, hidden = 4, time = 6;
        using var scope = NewDisposeScope();
        using var random = new Generator(5, CPU);
        using var layer = new RecurrentLayer(cell, inputs, hidden, Precision.Fp32, random);
        float[] x = TextModels.RandomTokens(time * inputs, 100, 3).Select(v => v / 50f - 1).ToArray();
        float[] actual = layer.Forward(tensor(x, 1, time, inputs), layer.EmptyState(1)).Output.data<float>().ToArray();

        float[] W = layer.InputWeight.data<float>().ToArray(), U = layer.StateWeight.data<float>().ToArray();
        float[] b = layer.InputBias.data<float>().ToArray(), d = layer.StateBias.data<float>().ToArray();
        double[] h = new double[hidden], c = new double[hidden];
        for (int t = 0; t < time; t++)
        {
            double FromInput(int row) =>
                b[row] + Enumerable.Range(0, inputs).Sum(i => (double)W[row * inputs + i] * x[t * inputs + i]);
            double[] old = [.. h];
            double FromState(int row) => d[row] + Enumerable.Range(0, hidden).Sum(i => U[row * hidden + i] * old[i]);
            double Both(int gate, int i) => FromInput(gate * hidden + i) + FromState(gate * hidden + i);
            for (int i = 0; i < hidden; i++)
            {
                switch (cell)
                {
                    case CellName.Plain:
                        h[i] = Math.Tanh(Both(0, i));
                        break;
                    case CellName.Lstm: // Gers et al. 2000: input, forget, cell, output
                        c[i] = Sigmoid(Both(1, i)) * c[i] + Sigmoid(Both(0, i)) * Math.Tanh(Both(2, i));
                        h[i] = Sigmoid(Both(3, i)) * Math.Tanh(c[i]);
                        break;
                    default: // Cho et al. 2014: reset, update, new
                        double fresh =
                            Math.Tanh(FromInput(2 * hidden + i) + Sigmoid(Both(0, i)) * FromState(2 * hidden + i));
                        double keep = Sigmoid(Both(1, i));
                        h[i] = (1 - keep) * fresh + keep * old[i];
                        break;
                }
                ((double)actual[t * hidden + i]).ShouldBe(h[i], 1e-5, $"time {t}, unit {i}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Given_double_precision_when_each_weight_is_nudged_then_the_loss_moves_as_its_gradient_says(
        CellName cell)
    {
        using var model = Small(cell);
        model.to(ScalarType.Float64);
        using TextBatch batch = TextModels.RandomBatch(2, 6, Vocabulary, 7);
        FiniteDifferences.ShouldMatchGradients(model, () => model.Loss(batch));
    }

    [Fact]
    public void Given_a_sequence_longer_than_is_scored_at_a_time_then_the_state_is_carried_over()
    {
        using var model = Small(CellName.Gru);
        int[] tokens = TextModels.RandomTokens(5000, Vocabulary, 9);
        float[] logits = TextModels.Logits(model, tokens);
        TokenScore[] scores = model.Score([tokens])[0];
        scores.Length.ShouldBe(4999);
        foreach (int t in new[] { 0, 4094, 4095, 4096, 4097, 4998 })
        {
            float[] row = logits[(t * Vocabulary)..((t + 1) * Vocabulary)];
            scores[t].LogProbability.ShouldBe(row[tokens[t + 1]] - Math.Log(row.Sum(v => Math.Exp(v))), 1e-4);
        }
    }

    [Fact]
    public void The_surveys_worked_example_takes_a_step_as_given()
    {
        RnnConfig config = new() { EmbeddingSize = 256, HiddenSize = 512 };
        using var model = new RnnModel(config, 10_000, Precision.Bf16, seed: 1);
        // Embedding, then LSTM with two biases, then dense: the counts of the shapes themselves.
        model.parameters().Sum(p => p.numel())
            .ShouldBe(10_000 * 256 + 4 * 512 * (256 + 512 + 2) + 512 * 10_000 + 10_000);
        using TextBatch batch = TextModels.RandomBatch(64, 16, 10_000, 2);
        using var scope = NewDisposeScope();
        Tensor loss = model.Loss(batch);
        loss.backward();
        loss.ToDouble().ShouldBe(Math.Log(10_000), 0.2);
    }

    [Fact]
    public void The_error_of_a_tied_head_between_unequal_widths_says_which_width_to_take()
    {
        var error = Should.Throw<AtelierException>(() =>
            new RnnConfig { TieHead = true, EmbeddingSize = 8, HiddenSize = 9 }.Check());
        error.ToLine()
            .ShouldBe("model.tieHead: a tied head needs embeddingSize 8 and hiddenSize 9 to be equal; set "
                + "embeddingSize: 9, or tieHead: false");
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static RnnModel Small(CellName cell) =>
        new(new RnnConfig { Cell = cell, EmbeddingSize = 6, HiddenSize = 6, LayerCount = 2, TieHead = true },
            Vocabulary, Precision.Fp32, seed: 3);
}
