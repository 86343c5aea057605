using Atelier.Models.Gan;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.Gan;

public sealed class SampleDiversityTests
{
    [Fact]
    public void Distances_are_told_in_those_of_real_pictures_within_a_class()
    {
        using var scope = NewDisposeScope();
        Tensor real = Pictures(0, 2, 10, 14), made = Pictures(5, 6, 20, 20), labels = tensor((long[])[0, 0, 1, 1]);
        SampleDiversity.Of(made, real, labels).ShouldBe((1 + 0) / (2.0 + 4), 1e-5);
        SampleDiversity.Of(real, real, null).ShouldBe(1, 1e-6);
        SampleDiversity.Of(Pictures(3, 3, 3, 3), real, null).ShouldBe(0, 1e-3);
        SampleDiversity.Of(made, real, tensor((long[])[0, 1, 2, 3])).ShouldBe(1, "there is no pair");
    }

    // |Δ| is 4 · ¼ · Δ² under the root
    private static Tensor Pictures(params float[] values) =>
        tensor(values).view(-1, 1, 1, 1).mul(0.5f).expand(-1, 1, 2, 2);
}
