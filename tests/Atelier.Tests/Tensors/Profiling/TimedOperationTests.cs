using Atelier.Tensors.Profiling;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Tensors.Profiling;

/// <summary>On a clock that only the operations' own work moves, so that every figure is exact.</summary>
public sealed class TimedOperationTests
{
    [Fact]
    public void The_time_of_an_operation_is_told_forward_and_backward_each_within_the_operation_around_it()
    {
        var clock = new WorkClock();
        OperationEvent[] events = Record(clock, x =>
        {
            TimedOperation outer = TimedOperation.Begin("outer", ref x);
            Tensor h = Timed("first", x, clock, forward: 10, backward: 100);
            h = Work.On(h, clock, 1, 2); // of the outer one's own
            return outer.End(Timed("second", h, clock, forward: 20, backward: 300));
        });

        events.Select(e => (string.Join('/', e.Path), e.Phase, e.End - e.Start)).ShouldBe(
        [
            ("forward/outer/first", OperationPhase.Forward, 10),
            ("forward/outer/second", OperationPhase.Forward, 20),
            ("forward/outer", OperationPhase.Forward, 31),
            ("forward", OperationPhase.Forward, 31),
            ("forward/outer/second", OperationPhase.Backward, 300),
            ("forward/outer/first", OperationPhase.Backward, 100),
            ("forward/outer", OperationPhase.Backward, 402),
            ("backward", OperationPhase.Forward, 402),
        ]);
    }

    [Fact]
    public void Branches_that_meet_again_are_told_apart()
    {
        var clock = new WorkClock();
        OperationEvent[] events = Record(clock, x =>
            Timed("left", x, clock, 1, 10) + Timed("right", x, clock, 2, 20) + Timed("middle", x, clock, 3, 30) + x);

        events.Where(e => e.Phase == OperationPhase.Backward).Select(e => (e.Name, e.End - e.Start)).ShouldBe(
            [("middle", 30), ("right", 20), ("left", 10)]); // in the reverse of the order forward
    }

    [Fact]
    public void An_operation_whose_input_needs_no_gradient_ends_backward_where_the_next_begins_or_the_pass_ends()
    {
        var clock = new WorkClock();
        OperationEvent[] events = Record(clock, x =>
        {
            using Tensor table = ones(3, requires_grad: true);
            TimedOperation lookup = TimedOperation.Begin("lookup");
            Tensor found = lookup.End(Work.On(table, clock, 5, 50));
            return Timed("sum", found + x, clock, 7, 70);
        });

        events.Where(e => e.Phase == OperationPhase.Backward).Select(e => (e.Name, e.End - e.Start))
            .ShouldBe([("sum", 70), ("lookup", 50)]);
    }

    [Fact]
    public void The_gradients_of_weights_belong_to_the_operation_that_uses_them()
    {
        var clock = new WorkClock();
        OperationEvent[] events = Record(clock, x =>
        {
            TimedOperation timed = TimedOperation.Begin("product", ref x);
            using Tensor weight = ones(3, requires_grad: true);
            return timed.End(x * Work.On(weight, clock, 4, 40)).sum();
        });

        events.Single(e => e is { Name: "product", Phase: OperationPhase.Backward })
            .ShouldSatisfyAllConditions(e => (e.End - e.Start).ShouldBe(40));
    }

    [Fact]
    public void Threads_that_a_profiled_one_starts_are_profiled_on_tracks_of_their_own()
    {
        var profiler = new OperationProfiler();
        using (profiler.MakeCurrent())
        {
            profiler.Record(true);
            Thread[] threads = [.. Enumerable.Range(0, 3).Select(i => new Thread(() =>
            {
                using (TimedOperation.Begin($"work {i}"))
                    Thread.Yield();
            }) { Name = $"replica {i}" })];
            foreach (Thread thread in threads)
                thread.Start();
            foreach (Thread thread in threads)
                thread.Join();
            profiler.Record(false);
            using (TimedOperation.Begin("after the end"))
                Thread.Yield();
        }
        profiler.Tracks.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => (t.Name, t.Events().Single().Name))
            .ShouldBe(
            [("replica 0", "work 0"), ("replica 1", "work 1"), ("replica 2", "work 2")]);
    }

    [Fact]
    public void Without_a_profiler_nothing_is_recorded_and_tensors_stay_themselves()
    {
        using Tensor x = ones(3, requires_grad: true);
        Tensor input = x;
        TimedOperation timed = TimedOperation.Begin("nothing", ref input);
        input.ShouldBeSameAs(x);
        timed.End(x).ShouldBeSameAs(x);
        OperationProfiler.Current.ShouldBeNull();
    }

    [Fact]
    public void Profiling_changes_no_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor Gradient(bool profiled)
        {
            Tensor x = arange(6.0, ScalarType.Float64).view(2, 3).requires_grad_(true);
            var profiler = new OperationProfiler();
            using IDisposable current = profiler.MakeCurrent();
            profiler.Record(profiled);
            Tensor y = x;
            TimedOperation timed = TimedOperation.Begin("cube", ref y);
            y = timed.End(y * y * y);
            (y.sum() + (x * x).sum()).backward();
            profiler.Tracks.Sum(t => t.Events().Length).ShouldBe(profiled ? 2 : 0);
            return x.grad!;
        }
        Gradient(profiled: true).allclose(Gradient(profiled: false), 0, 0).ShouldBeTrue();
    }

    private static Tensor Timed(string name, Tensor x, WorkClock clock, long forward, long backward)
    {
        TimedOperation timed = TimedOperation.Begin(name, ref x);
        return timed.End(Work.On(x, clock, forward, backward));
    }

    private static OperationEvent[] Record(WorkClock clock, Func<Tensor, Tensor> model)
    {
        var profiler = new OperationProfiler(() => clock.Now);
        using IDisposable current = profiler.MakeCurrent();
        using var scope = NewDisposeScope();
        profiler.Record(true);
        Tensor loss;
        using (TimedOperation.Begin("forward"))
            loss = model(ones(3, requires_grad: true));
        using (TimedOperation.Begin("backward"))
            loss.sum().backward();
        return profiler.Tracks.Single().Events();
    }

    private sealed class WorkClock
    {
        public long Now { get; set; }
    }

    /// <summary>The identity, whose work each way takes as long as it is told.</summary>
    private sealed class Work : autograd.SingleTensorFunction<Work>
    {
        public override string Name => nameof(Work);

        public static Tensor On(Tensor x, WorkClock clock, long forward, long backward) =>
            apply(x, clock, forward, backward);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ((WorkClock)vars[1]).Now += (long)vars[2];
            ctx.save_data("clock", vars[1]);
            ctx.save_data("backward", vars[3]);
            return ((Tensor)vars[0]).alias();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            ((WorkClock)ctx.get_data("clock")).Now += (long)ctx.get_data("backward");
            return [grad_output, null!, null!, null!];
        }
    }
}
