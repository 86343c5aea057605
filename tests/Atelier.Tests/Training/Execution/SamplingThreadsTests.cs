using Atelier.Layers;
using Atelier.Tensors;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Tests.Training.Execution;

/// <summary>Rows of a batch shared out among threads that wait between drawings.</summary>
public sealed class SamplingThreadsTests : IDisposable
{
    private const int Rows = 37;
    private readonly int _before = get_num_threads();

    public SamplingThreadsTests() => set_num_threads(2);

    public void Dispose() => set_num_threads(_before);

    [Fact]
    public void Rows_come_back_in_their_order_and_weights_that_changed_between_drawings_are_seen()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var random = new Generator(1, CPU);
        using var layer = new Linear(16, 32, bias: true, Precision.Bf16, 0.3, random);
        using var threads = new SamplingThreads();
        Tensor x = randn([Rows, 16], generator: random);
        for (int drawing = 0; drawing < 3; drawing++)
        {
            layer.Weight.add_(0.25);
            Tensor drawn;
            using (threads.Begin(CPU, Rows))
                drawn = BatchRows.Map((rows, _) => layer.forward(rows), x);
            // The same product of rounded numbers in double precision, with the answer rounded to bf16 once.
            Tensor expected = F.linear(Double(x), Double(layer.Weight), Double(layer.Bias!));
            (drawn.to(ScalarType.Float64) - expected).abs().max().ToDouble()
                .ShouldBeLessThan(expected.abs().max().ToDouble() / 128);
            get_num_threads().ShouldBe(2, "the tensor library has its threads again");
        }

        static Tensor Double(Tensor t) => t.detach().to(ScalarType.BFloat16).to(ScalarType.Float64);
    }

    [Fact]
    public void Labels_are_divided_as_the_rows_are_and_each_thread_computes_some_of_them()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var threads = new SamplingThreads();
        var computed = new System.Collections.Concurrent.ConcurrentDictionary<int, long>();
        using (threads.Begin(CPU, Rows))
        {
            Tensor sums = BatchRows.Map((x, labels) =>
            {
                computed[Environment.CurrentManagedThreadId] = x.shape[0];
                return x.add(labels!);
            }, arange(Rows), arange(Rows).mul(10));
            sums.data<long>().ToArray().ShouldBe([.. Enumerable.Range(0, Rows).Select(i => 11L * i)]);
        }
        computed.Count.ShouldBe(2);
        computed.Values.Sum().ShouldBe(Rows);
    }

    [Fact]
    public void A_drawing_within_a_drawing_shares_its_threads()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var threads = new SamplingThreads();
        using (threads.Begin(CPU, Rows))
        {
            using (threads.Begin(CPU, 2))
                Same(2);
            get_num_threads().ShouldBe(1, "the outer drawing goes on");
            Same(Rows);
        }
        get_num_threads().ShouldBe(2);

        static void Same(int rows) => BatchRows.Map((x, _) => x.clone(), arange(rows)).data<long>().ToArray()
            .ShouldBe([.. Enumerable.Range(0, rows).Select(i => (long)i)]);
    }

    [Fact]
    public void Where_gradients_are_wanted_the_calling_thread_computes_all_rows_and_they_flow()
    {
        using var scope = NewDisposeScope();
        using var threads = new SamplingThreads();
        Tensor x = arange(Rows, ScalarType.Float64).requires_grad_(true);
        using (threads.Begin(CPU, Rows))
            BatchRows.Map((rows, _) => rows.pow(2), x).sum().backward();
        x.grad!.data<double>().ToArray().ShouldBe([.. Enumerable.Range(0, Rows).Select(i => 2.0 * i)]);
    }
}
