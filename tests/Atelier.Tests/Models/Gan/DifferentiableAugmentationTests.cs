using Atelier.Models.Gan;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Gan;

public sealed class DifferentiableAugmentationTests
{
    private const int Count = 64, Side = 16;

    [Theory]
    [InlineData(Augmentation.Colour)]
    [InlineData(Augmentation.Translation)]
    [InlineData(Augmentation.Cutout)]
    public void The_gradient_goes_through_as_finite_differences_say(Augmentation change)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        Tensor pictures = empty(2, 3, 8, 8, ScalarType.Float64).uniform_(-1, 1, random).requires_grad_(true);
        Tensor weights = empty(2, 3, 8, 8, ScalarType.Float64).normal_(0, 1, random);
        Loss().backward();
        for (long at = 5; at < pictures.numel(); at += 61)
        {
            double numeric = (LossAt(at, 1e-5) - LossAt(at, -1e-5)) / 2e-5;
            pictures.grad!.view(-1)[at].ToDouble().ShouldBe(numeric, 1e-6);
        }
        pictures.grad!.abs().sum().ToDouble().ShouldBeGreaterThan(0);

        Tensor Loss()
        {
            using var same = new Generator(2, CPU);
            return DifferentiableAugmentation.Apply([change], pictures, same).mul(weights).sum();
        }

        double LossAt(long index, double nudge)
        {
            using var none = no_grad();
            Tensor element = pictures.detach().view(-1).narrow(0, index, 1);
            element.add_(nudge);
            double value = Loss().ToDouble();
            element.sub_(nudge);
            return value;
        }
    }

    [Fact]
    public void A_translation_moves_each_picture_as_a_whole_by_up_to_an_eighth()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3, CPU);
        Tensor pictures = zeros(Count, 1, Side, Side);
        pictures[.., 0, 8, 8] = 1;
        float[] moved =
            [.. DifferentiableAugmentation.Apply([Augmentation.Translation], pictures, random).data<float>()];
        var places = new HashSet<(int Down, int Across)>();
        for (int picture = 0; picture < Count; picture++)
        {
            int[] lit = [.. Enumerable.Range(0, Side * Side).Where(i => moved[(picture * Side * Side) + i] == 1)];
            lit.Length.ShouldBe(1);
            places.Add(((lit[0] / Side) - 8, (lit[0] % Side) - 8));
        }
        places.ShouldAllBe(p => Math.Abs(p.Down) <= 2 && Math.Abs(p.Across) <= 2);
        places.Count.ShouldBeGreaterThan(12, "of 25 places");
    }

    [Fact]
    public void A_cutout_takes_one_rectangle_of_at_most_half_the_side()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4, CPU);
        Tensor kept = DifferentiableAugmentation.Apply([Augmentation.Cutout], ones(Count, 1, Side, Side), random);
        float[] gone = [.. kept.neg().add(1).sum([1, 2, 3]).data<float>()];
        gone.ShouldAllBe(area => area >= 16 && area <= 64);
        gone.ShouldContain(64);
        gone.Distinct().Count().ShouldBeGreaterThan(3, "some hang over the border");
    }

    [Fact]
    public void Colour_changes_keep_the_order_of_a_pictures_values_and_grey_stays_in_bounds()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5, CPU);
        Tensor pictures = linspace(-1, 1, Side * Side).view(1, 1, Side, Side).expand(Count, -1, -1, -1);
        Tensor changed = DifferentiableAugmentation.Apply([Augmentation.Colour], pictures, random).flatten(1);
        changed.narrow(1, 1, (Side * Side) - 1).sub(changed.narrow(1, 0, (Side * Side) - 1)).min().ToSingle()
            .ShouldBeGreaterThan(0, "contrast is from a half to one and a half");
        changed.abs().max().ToSingle().ShouldBeLessThan(2.01f);
        changed.mean([1]).abs().max().ToSingle().ShouldBeInRange(0.3f, 0.5f, "brightness moves up to a half");
    }

    [Fact]
    public void No_change_gives_the_same_pictures()
    {
        using Tensor pictures = rand(2, 1, 4, 4);
        DifferentiableAugmentation.Apply([], pictures, null).ShouldBeSameAs(pictures);
    }
}
