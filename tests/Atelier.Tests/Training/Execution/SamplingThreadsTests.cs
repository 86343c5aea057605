using Atelier.Layers;
using Atelier.Tensors;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tests.Training.Execution;

/// <summary>Rows of a batch shared out among threads that wait between drawings.</summary>
public sealed class DrawingThreadsTests
{
    private const int Rows = 37;

    [Fact]
    public void Rows_come_back_in_their_order_and_weights_that_changed_between_drawings_are_seen()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1, CPU);
        using var layer = new Linear(16, 32, bias: true, Precision.Bf16, 0.3, random);
        using var threads = new SamplingThreads();
        Tensor x = randn([Rows, 16], generator: random);
        int before = get_num_threads();
        set_num_threads(2);
        try
        {
            for (int drawing = 0; drawing < 3; drawing++)
            {
                using (no_grad())
                    layer.Weight.add_(0.25);
                Tensor drawn;
                using (RowTeam team = threads.Begin(CPU, Rows))
                    drawn = team.Map(Rows, (first, rows) => layer.forward(x.narrow(0, first, rows)));
                // The same product of rounded numbers in double precision, with the answer rounded to bf16 once.
                Tensor expected = F.linear(Double(x), Double(layer.Weight), Double(layer.Bias!));
                (drawn.to(ScalarType.Float64) - expected).abs().max().ToDouble()
                    .ShouldBeLessThan(expected.abs().max().ToDouble() / 128);
                get_num_threads().ShouldBe(2, "the tensor library has its threads again");
            }
        }
        finally
        {
            set_num_threads(before);
        }

        static Tensor Double(Tensor t) => t.detach().to(ScalarType.BFloat16).to(ScalarType.Float64);
    }

    [Fact]
    public void A_drawing_within_a_drawing_shares_its_threads()
    {
        using var scope = NewDisposeScope();
        using var threads = new SamplingThreads();
        int before = get_num_threads();
        set_num_threads(2);
        try
        {
            using (RowTeam outer = threads.Begin(CPU, Rows))
            {
                using (RowTeam inner = threads.Begin(CPU, 2))
                    inner.Map(2, (first, rows) => arange(first, first + rows)).data<long>().ToArray()
                        .ShouldBe([0L, 1L]);
                get_num_threads().ShouldBe(1, "the outer drawing goes on");
                outer.Map(Rows, (first, rows) => arange(first, first + rows)).data<long>().ToArray()
                    .ShouldBe([.. Enumerable.Range(0, Rows).Select(i => (long)i)]);
            }
            get_num_threads().ShouldBe(2);
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
