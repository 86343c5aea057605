using Atelier.Kernels.Gemm;
using Atelier.Tensors;
using CsCheck;
using Shouldly;
using static TorchSharp.torch;

namespace Atelier.Tests.Kernels.Gemm;

/// <summary>
/// Products by machine code beside sums written out. Factors are small whole numbers, so that bf16 holds them and fp32
/// every sum of them:
/// results are to be equal, in whatever order they are added up.
/// </summary>
public sealed unsafe class Bf16ProductTests
{
    private const int Largest = 4;
    private static readonly Gen<(int Rows, int Depth, int Columns)> Shapes =
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 90], Gen.Int[1, 12]).Select(
        (rows, depth, registers) => (rows, depth, registers * Bf16.Lanes));

    public Bf16ProductTests() =>
        Assert.SkipUnless(GemmMicrokernel.IsSupported, "this machine has no AVX512-BF16, or is not Linux on x64");

    [Fact]
    public void A_product_with_a_weight_and_its_way_back_are_the_sums()
    {
        Shapes.Sample(shape =>
        {
            (int rows, int outputs, int inputs) = shape;
            using var scope = NewDisposeScope();
            Tensor x = Whole(rows, inputs), w = Whole(outputs, inputs), bias = Whole(outputs),
                dy = Whole(rows, Bf16.WholeRegisters(outputs));
            dy.narrow(1, outputs, dy.shape[1] - outputs).zero_();
            using var panels = new WeightPanels(w);
            Tensor start = zeros(panels.Forward.Columns), y = zeros(rows, panels.Forward.Columns),
                dx = ones(rows, inputs);
            start.narrow(0, 0, outputs).copy_(bias);
            Tensor x16 = x.bfloat16(), dy16 = dy.bfloat16();
            Bf16Product.Run(x16.Pointer<ushort>(), inputs, panels.Forward, start.Pointer<float>(), GemmOutput.Single,
                y.Pointer<float>(), y.shape[1], rows);
            Bf16Product.Run(dy16.Pointer<ushort>(), dy.shape[1], panels.Backward, null, GemmOutput.Added,
                dx.Pointer<float>(), inputs, rows);
            y.narrow(1, 0, outputs).Equals(x.mm(w.t()) + bias).ShouldBeTrue();
            dx.Equals(dy.narrow(1, 0, outputs).mm(w) + 1).ShouldBeTrue();
        }, iter: 200);
    }

    [Fact]
    public void A_product_of_a_turned_factor_is_the_sums()
    {
        Shapes.Sample(shape =>
        {
            (int rows, int depth, int columns) = shape;
            using var scope = NewDisposeScope();
            Tensor x = Whole(depth, rows), y = Whole(depth, columns), c = ones(rows, columns);
            Bf16Product.RunTransposed(x.bfloat16().Pointer<ushort>(), rows, rows, y.bfloat16().Pointer<ushort>(),
                columns, columns, depth, GemmOutput.Added, c.Pointer<float>());
            c.Equals(x.t().mm(y) + 1).ShouldBeTrue();
        }, iter: 200);
    }

    [Theory]
    [InlineData(4096 + 10)] // beyond what is summed at once
    [InlineData(64)]
    public void Sums_in_bf16_are_rounded_once(int depth)
    {
        using var scope = NewDisposeScope();
        Tensor x = Whole(13, depth), w = Whole(80, depth), y = zeros([13, 80], ScalarType.BFloat16);
        using var panels = new WeightPanels(w);
        Tensor x16 = x.bfloat16();
        Bf16Product.Run(x16.Pointer<ushort>(), depth, panels.Forward, null, GemmOutput.Bf16, y.Pointer<ushort>(), 80,
            13);
        y.Equals(x.mm(w.t()).bfloat16()).ShouldBeTrue();
    }

    [Fact]
    public void Weights_are_rounded_to_the_nearest_by_members_together()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor w = randn(70, 96);
        using var panels = new WeightPanels(w);
        w.normal_();
        panels.Refresh(0, 2);
        panels.Refresh(1, 2);
        Tensor x = eye(96).bfloat16(), y = zeros(96, panels.Forward.Columns), dx = zeros(70, 96),
            dy = zeros([70, 80], ScalarType.BFloat16);
        dy.narrow(1, 0, 70).copy_(eye(70));
        Bf16Product.Run(x.Pointer<ushort>(), 96, panels.Forward, null, GemmOutput.Single, y.Pointer<float>(),
            y.shape[1], 96);
        Bf16Product.Run(dy.Pointer<ushort>(), 80, panels.Backward, null, GemmOutput.Single, dx.Pointer<float>(), 96,
            70);
        y.narrow(1, 0, 70).Equals(w.bfloat16().@float().t()).ShouldBeTrue();
        dx.Equals(w.bfloat16().@float()).ShouldBeTrue();
    }

    private static Tensor Whole(params long[] shape) =>
        randint(-Largest, Largest + 1, shape, dtype: ScalarType.Float32);
}
