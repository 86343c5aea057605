using Atelier.Abstractions;
using Atelier.Tasks.Images;
using static TorchSharp.torch;

namespace Atelier.Tests.Tasks.Images;

/// <summary>Between two noises the way keeps their length and turns evenly from one to the other.</summary>
public sealed class PictureWaysTests
{
    [Fact]
    public void A_way_between_directions_is_an_arc_of_even_steps()
    {
        using var scope = NewDisposeScope();
        Tensor one = tensor(new float[] { 3, 0, 0 }), other = tensor(new float[] { 0, 3, 0 });
        for (int step = 0; step <= 6; step++)
        {
            double angle = Math.PI / 2 * step / 6; // a quarter of a circle
            Tensor expected = tensor(new float[] { (float)(3 * Math.Cos(angle)), (float)(3 * Math.Sin(angle)), 0 });
            Interpolation.OnGreatCircle(one, other, step / 6.0).sub(expected).abs().max().item<float>()
                .ShouldBeLessThan(1e-5f);
        }
        Interpolation.OnGreatCircle(one, one, 0.3).sub(one).abs().max().item<float>().ShouldBeLessThan(1e-5f);
    }

    [Fact]
    public void What_lies_between_two_noises_has_their_spread_where_a_straight_line_has_not()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        Tensor one = empty(20_000).normal_(0, 1, random), other = empty(20_000).normal_(0, 1, random);
        Interpolation.OnGreatCircle(one, other, 0.5).std().item<float>().ShouldBe(1, 0.02);
        one.lerp(other, 0.5).std().item<float>().ShouldBe((float)Math.Sqrt(0.5), 0.02f);
    }

    [Theory]
    [InlineData("1,2", true)]
    [InlineData(" 4, -9 ,12", true)]
    [InlineData("7", false)]
    [InlineData("one,two", false)]
    public void Seeds_are_whole_numbers_with_commas_between(string ends, bool seeds) =>
        (InterpolationEnds.ParseSeeds(ends) is { AreSeeds: true }).ShouldBe(seeds);
}
