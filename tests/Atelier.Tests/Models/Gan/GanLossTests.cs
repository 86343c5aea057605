using Atelier.Models.Gan;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Gan;

/// <summary>Each loss on given logits, written out from its paper.</summary>
public sealed class GanLossTests
{
    private static readonly double[] Real = [1.3, -0.4, 0.2], Made = [-2.0, 0.7, -0.1];

    public static TheoryData<GanLoss, double, double> ClosedForms => new()
    {
        { GanLoss.Minimax, Mean(Real, x => -Math.Log(Sigmoid(x))) + Mean(Made, x => -Math.Log(1 - Sigmoid(x))),
            Mean(Made, x => Math.Log(1 - Sigmoid(x))) },
        { GanLoss.NonSaturating, Mean(Real, x => -Math.Log(Sigmoid(x))) + Mean(Made, x => -Math.Log(1 - Sigmoid(x))),
            Mean(Made, x => -Math.Log(Sigmoid(x))) },
        { GanLoss.LeastSquares, (0.5 * Mean(Real, x => (x - 1) * (x - 1))) + (0.5 * Mean(Made, x => x * x)),
            0.5 * Mean(Made, x => (x - 1) * (x - 1)) },
        { GanLoss.Wasserstein, Mean(Made, x => x) - Mean(Real, x => x), -Mean(Made, x => x) },
        { GanLoss.Hinge, Mean(Real, x => Math.Max(0, 1 - x)) + Mean(Made, x => Math.Max(0, 1 + x)),
            -Mean(Made, x => x) },
    };

    [Theory]
    [MemberData(nameof(ClosedForms))]
    public void Both_players_lose_what_the_paper_says(GanLoss loss, double discriminator, double generator)
    {
        using var scope = NewDisposeScope();
        loss.Discriminator(tensor(Real), tensor(Made)).ToDouble().ShouldBe(discriminator, 1e-12);
        loss.Generator(tensor(Made)).ToDouble().ShouldBe(generator, 1e-12);
    }

    [Theory]
    [InlineData(GanLoss.Hinge, 2.0 / 3, 2.0 / 3)] // borders: 0
    [InlineData(GanLoss.LeastSquares, 1.0 / 3, 2.0 / 3)] // a half
    [InlineData(GanLoss.Wasserstein, 2.0 / 3, 2.0 / 3)] // -0.05, the middle of the means
    public void Pictures_are_judged_right_on_their_side_of_the_border(GanLoss loss, double real, double made)
    {
        using var scope = NewDisposeScope();
        (Tensor realRight, Tensor madeRight) = loss.Accuracy(tensor(Real), tensor(Made));
        realRight.ToDouble().ShouldBe(real, 1e-6);
        madeRight.ToDouble().ShouldBe(made, 1e-6);
    }

    [Fact]
    public void Logits_far_out_give_finite_losses()
    {
        using var scope = NewDisposeScope();
        GanLoss.NonSaturating.Discriminator(tensor(new[] { -500.0 }), tensor(new[] { 500.0 })).ToDouble()
            .ShouldBe(1000, 1e-9);
    }

    private static double Mean(double[] logits, Func<double, double> of) => logits.Average(of);

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
