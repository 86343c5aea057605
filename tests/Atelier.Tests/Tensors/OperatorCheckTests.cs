using Atelier.Networks;
using Atelier.Tensors;
using Atelier.Tensors.Checks;
using CsCheck;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tensors;

/// <summary>Every operator that is checked on a machine, with sizes drawn at random, against its plain loop.</summary>
public sealed class OperatorCheckTests
{
    private static readonly Gen<int> Small = Gen.Int[1, 40];

    private static readonly Gen<ConvolutionShape> Shapes =
        from kernel in Gen.Int[1, 5]
        from stride in Gen.Int[1, 2]
        from sides in Gen.Select(Gen.Int[kernel, 10], Gen.Int[kernel, 10])
        from channels in Gen.Select(Small, Small)
        from batch in Gen.Int[1, 4]
        let padding = (kernel - 1) / 2
        select new ConvolutionShape(
            channels.Item1, channels.Item2, kernel, stride, padding, sides.Item1, sides.Item2, Batch: batch);

    [Fact]
    public void Convolutions_are_right() => Hold(Shapes.Select(OperatorCases.Convolution));

    [Fact]
    public void Transposed_convolutions_are_right() =>
        Hold(Shapes.Select(shape => OperatorCases.Transposed(shape.Covered())));

    [Fact]
    public void Gradients_of_gradients_of_convolutions_are_right() => Hold(Shapes.Select(OperatorCases.SecondOrder));

    [Fact]
    public void Convolutions_over_groups_of_channels_are_right() => Hold(
        from shape in Shapes
        from groups in Gen.Int[2, 3]
        let inputs = (shape.Inputs + 1) / 2 * groups
        let outputs = (shape.Outputs + 1) / 2 * groups
        select OperatorCases.Grouped(shape with { Inputs = inputs, Outputs = outputs, Groups = groups }));

    [Theory]
    [InlineData(CellName.Lstm)]
    [InlineData(CellName.Gru)]
    [InlineData(CellName.Plain)]
    public void Recurrent_layers_are_right_with_gradients_and_without(CellName cell) => Hold(
        from inputs in Small
        from hidden in Small
        from batch in Gen.Int[1, 5]
        from time in Gen.Int[1, 7]
        from without in Gen.Bool
        let compared = cell != CellName.Lstm ? ComparedAnswers.Both
            : without ? ComparedAnswers.WithoutGradients : ComparedAnswers.WithGradients
        select OperatorCases.Recurrent(cell, compared, inputs, hidden, batch, time));

    [Fact]
    public void Products_are_right() => Hold(
        from kind in Gen.Int[0, 2]
        from batch in Gen.Int[1, 4]
        from sides in Gen.Select(Small, Small, Small)
        select kind switch
        {
            0 => OperatorCases.Linear(sides.Item1, sides.Item2, sides.Item3),
            1 => OperatorCases.Product(sides.Item1, sides.Item2, sides.Item3),
            _ => OperatorCases.BatchedProduct(batch, sides.Item1, sides.Item2, sides.Item3),
        });

    [Fact]
    public void Attention_is_right() => Hold(
        from sequences in Gen.Int[1, 4]
        from time in Gen.Int[3, 40] // of two positions, the gradients of keys may cancel almost wholly
        from size in Small
        select OperatorCases.Attention(sequences, time, size));

    [Fact]
    public void Norms_are_right() => Hold(
        from kind in Gen.Int[0, 2]
        from rows in Gen.Int[1, 6]
        from width in Gen.Int[4, 70] // over a few numbers, the variance may be as small as ε
        from groups in Gen.Int[1, 4]
        select kind switch
        {
            0 => OperatorCases.LayerNorm(rows, width),
            1 => OperatorCases.RmsNorm(rows, width),
            _ => OperatorCases.GroupNorm(rows * groups, groups, side: 4),
        });

    [Fact]
    public void Embeddings_are_right() => Hold(Gen.Select(Small, Small, OperatorCases.Embedding));

    [Fact]
    public void An_answer_that_is_wrong_in_one_number_is_found()
    {
        OperatorCase right = OperatorCases.Linear(rows: 5, inputs: 17, outputs: 7);
        new OperatorCheck(right, ScalarType.Float32).IsRight(OperatorPath.Library).ShouldBeTrue();
        foreach (int at in (int[])[0, 13, 34])
        {
            OperatorCase wrong = right with { Library = (a, path) => Spoilt(right.Library(a, path), at) };
            new OperatorCheck(wrong, ScalarType.Float32).IsRight(OperatorPath.Library).ShouldBeFalse();
        }

        static Tensor Spoilt(Tensor y, int at) =>
            y.mul(1 - (0.01 * nn.functional.one_hot(tensor((long)at), y.numel()).reshape(y.shape)));
    }

    [Fact]
    public void A_gradient_that_lost_a_row_is_found_though_the_answers_are_right()
    {
        OperatorCase right = OperatorCases.Linear(rows: 5, inputs: 17, outputs: 7);
        // The first row of the weights takes part in the answer and gets no gradient.
        OperatorCase wrong = right with
        {
            Library = (a, path) =>
                right.Library([a[0], cat([a[1].narrow(0, 0, 1).detach(), a[1].narrow(0, 1, 6)]), a[2]], path),
        };
        new OperatorCheck(wrong, ScalarType.BFloat16).IsRight(OperatorPath.Library).ShouldBeFalse();
    }

    [Fact]
    public void Gradients_that_cancel_and_answers_that_are_small_are_not_taken_for_wrong()
    {
        // One cell alone: its five gradients of a bias, each rounded to bf16, add up to 0.04 with an error of 0.004.
        Right(OperatorCases.Recurrent(CellName.Plain, ComparedAnswers.Both, inputs: 27, hidden: 1, batch: 1), 114);
        foreach (int seed in Enumerable.Range(0, 50))
            Right(OperatorCases.Recurrent(CellName.Gru, ComparedAnswers.Both, 40, hidden: 1, batch: 1, time: 1), seed);
        // Many wide steps: with weights that amplify what the steps before have rounded, this one would be 1.17.
        Right(OperatorCases.Recurrent(CellName.Plain, ComparedAnswers.Both, 32, hidden: 36, batch: 5, time: 7), 293);

        static void Right(OperatorCase @operator, int seed) => new OperatorCheck(@operator, ScalarType.BFloat16, seed)
            .Error(OperatorPath.Library).ShouldBeLessThan(1, $"seed {seed}");
    }

    /// <summary>
    /// By the path that serves on this machine, in both precisions; other sizes each time, from a seed that is printed.
    /// </summary>
    private static void Hold(Gen<OperatorCase> operators)
    {
        var paths = CheckedOperators.Verdicts.ToDictionary(v => (v.Operator, v.Precision), v => v.Path);
        Gen.Select(operators, Gen.Bool, Gen.Int[0, 1000]).Sample((@operator, rounded, seed) =>
        {
            ScalarType type = rounded ? ScalarType.BFloat16 : ScalarType.Float32;
            OperatorPath path = paths[(@operator.Operator, rounded ? "bf16" : "fp32")];
            new OperatorCheck(@operator, type, seed).Error(path).ShouldBeLessThanOrEqualTo(1);
        }, iter: 40, threads: 1, print: drawn =>
            $"{drawn.Item1.Operator} {drawn.Item1.Sizes}, rounded: {drawn.Item2}, seed {drawn.Item3}");
    }
}
