using Atelier.Kernels;
using Atelier.Models.Gpt;
using Atelier.Recipes;
using Atelier.Tests.Data;
using Atelier.Training.Execution;

namespace Atelier.Tests.Training.Execution;

public sealed class ExecutionPlannerTests
{
    [Fact]
    public void The_fastest_is_measured_once_and_kept_for_the_machine_and_for_the_run()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        int measured = 0;
        PlanTiming? Two(ExecutionPlan plan) =>
            new PlanTiming(++measured * 1e-6 + (plan.Replicas == 2 ? 1 : 2), false, false, false);

        Planner(home).Resolve(run.Path, true, Endless(), Two).ShouldBe(new ExecutionPlan(2, 2));
        measured.ShouldBeGreaterThan(2);
        Func<ExecutionPlan, PlanTiming?> never = _ => throw new InvalidOperationException("it is known");
        using var other = new TemporaryFolder();
        Planner(home).Resolve(other.Path, true, Endless(), never).ShouldBe(new ExecutionPlan(2, 2));
        using var nowhere = new TemporaryFolder();
        // a run goes on as it began
        Planner(nowhere).Resolve(run.Path, true, Endless(), never).ShouldBe(new ExecutionPlan(2, 2));
    }

    [Theory]
    [InlineData(LayerPath.Fused)]
    [InlineData(LayerPath.LibraryProducts)]
    [InlineData(LayerPath.Reference)]
    [InlineData(LayerPath.FusedAttention)]
    public void Of_the_paths_that_a_division_meets_the_fastest_is_kept_and_met_again(LayerPath fastest)
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        var timed = new List<ExecutionPlan>();
        PlanTiming? Time(ExecutionPlan plan)
        {
            timed.Add(plan);
            bool kernels = plan.Threads == 1; // as layers that are written out ask only there
            return new PlanTiming(plan.Replicas == 4 && plan.Layers == fastest ? 1
                : 2, kernels, kernels && plan.Layers == default, !kernels || plan.Layers == LayerPath.Reference);
        }

        var expected = new ExecutionPlan(4, 1, fastest);
        Planner(home).Resolve(run.Path, true, Endless(), Time).ShouldBe(expected);
        timed.Distinct()
            .ShouldBe([new(4, 1), new(1, 4), new(2, 2), new(1, 4, LayerPath.FusedAttention),
            new(2, 2, LayerPath.FusedAttention),
            new(4, 1, LayerPath.LibraryProducts), new(4, 1, LayerPath.Reference), new(4, 1, LayerPath.FusedAttention)],
                ignoreOrder: true);
        // no other path that is half as fast
        timed.CountBy(plan => plan)
            .ShouldAllBe(count => count.Value == (count.Key == expected || count.Key.Layers == default ? 3 : 1));
        Func<ExecutionPlan, PlanTiming?> never = _ => throw new InvalidOperationException("it is known");
        using var other = new TemporaryFolder();
        Planner(home).Resolve(other.Path, true, Endless(), never).ShouldBe(expected);
        using var nowhere = new TemporaryFolder();
        Planner(nowhere).Resolve(run.Path, true, Endless(), never).ShouldBe(expected);
    }

    [Fact]
    public void What_another_build_measured_is_measured_anew()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        Planner(home).Resolve(run.Path, true, Endless(), plan => new PlanTiming(plan.Replicas, false, false, false))
            .ShouldBe(new ExecutionPlan(1, 4));
        string kept = Path.Combine(home.Path, "execution-plans.json"),
            build = typeof(ExecutionPlan).Module.ModuleVersionId.ToString();
        string text = File.ReadAllText(kept);
        text.ShouldContain(build);
        File.WriteAllText(kept, text.Replace(build, Guid.Empty.ToString(), StringComparison.Ordinal));
        using var second = new TemporaryFolder();
        Planner(home)
            .Resolve(second.Path, true, Endless(), plan => new PlanTiming(1.0 / plan.Replicas, false, false, false))
            .ShouldBe(new ExecutionPlan(4, 1));
    }

    [Fact]
    public void A_run_that_was_begun_before_there_were_paths_goes_on_with_the_usual_one()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        File.WriteAllText(Path.Combine(run.Path, "execution.json"), "{\"replicas\": 2, \"threads\": 2}");
        Planner(home).Resolve(run.Path, true, Endless(), _ => throw new InvalidOperationException("it is known"))
            .ShouldBe(new ExecutionPlan(2, 2, LayerPath.Fused));
    }

    [Fact]
    public void What_was_damaged_is_measured_anew()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        File.WriteAllText(Path.Combine(home.Path, "execution-plans.json"), "{\"x\": [");
        File.WriteAllText(Path.Combine(run.Path, "execution.json"), "{\"replicas\": -1, \"threads\": 0}");
        Planner(home)
            .Resolve(run.Path, true, Endless(), plan => new PlanTiming(plan.Replicas == 4 ? 1 : 2, false, false, false))
            .ShouldBe(new ExecutionPlan(4, 1));
        using var second = new TemporaryFolder();
        Planner(home).Resolve(second.Path, true, Endless(), _ => throw new InvalidOperationException("it is known"))
            .ShouldBe(new ExecutionPlan(4, 1));
    }

    [Fact]
    public void What_the_recipe_says_is_not_measured()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        Func<ExecutionPlan, PlanTiming?> never = _ => throw new InvalidOperationException("it is said");
        Planner(home, replicas: 2).Resolve(run.Path, true, Endless(), never).ShouldBe(new ExecutionPlan(2, 2));
        using var alone = new TemporaryFolder();
        Planner(home).Resolve(alone.Path, canReplicate: false, Endless(), never).ShouldBe(new ExecutionPlan(1, 4));
        using var refused = new TemporaryFolder();
        Should.Throw<AtelierException>(() =>
            Planner(home, replicas: 2)
            .Resolve(refused.Path, canReplicate: false, Endless(), never)).Where.ShouldBe("training.replicas");
    }

    [Theory]
    [InlineData(100_000L, null, 10)] // never more than ten seconds
    [InlineData(200L, null, 0.2)] // a tenth of 200 steps of a hundredth of a second
    [InlineData(null, 30.0, 3)] // a tenth of half a minute
    [InlineData(null, null, 10)]
    [InlineData(100_000L, 30.0, 3)]
    public void Measuring_ends_after_ten_seconds_or_a_tenth_of_the_training(long? steps, double? seconds, double most)
    {
        var clock = new StepClock();
        var limit = new MeasuringLimit(clock, steps, seconds, CancellationToken.None);
        int taken = 0;
        for (; !limit.IsOver; taken++)
            limit.Time(() => clock.Pass(0.01));
        clock.Seconds.ShouldBe(most, 0.0101); // and ends within a step
        taken.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Where_the_time_is_up_a_guess_serves_which_is_not_kept_as_measured()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        var clock = new StepClock();
        var said = new List<string>();
        PlanTiming? Slow(ExecutionPlan plan)
        {
            clock.Pass(11); // a step on a machine that others use
            return new PlanTiming(plan.Replicas == 4 ? 1 : 0.9, false, false, false);
        }
        Planner(home, tell: said.Add)
            .Resolve(run.Path, true, new MeasuringLimit(clock, null, null, CancellationToken.None), Slow)
            .ShouldBe(new ExecutionPlan(4, 1));
        clock.Seconds.ShouldBe(11); // one timing, and no more
        said.Count.ShouldBe(2);
        said[0].ShouldContain("ten seconds");
        said[1].ShouldContain("not enough time to measure");
        File.Exists(Path.Combine(home.Path, "execution-plans.json")).ShouldBeFalse();
        File.Exists(Path.Combine(run.Path, "execution.json")).ShouldBeTrue(); // but the run goes on as it began

        using var next = new TemporaryFolder();
        Planner(home).Resolve(next.Path, true, Endless(), plan => new PlanTiming(plan.Replicas, false, false, false))
            .ShouldBe(new ExecutionPlan(1, 4));
        Planner(home).Resolve(run.Path, true, Endless(), _ => throw new InvalidOperationException("the run knows"))
            .ShouldBe(new ExecutionPlan(4, 1));
    }

    [Fact]
    public void Where_the_time_is_up_only_what_is_clearly_faster_is_taken_instead_of_the_guess()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        var clock = new StepClock();
        PlanTiming? Slow(ExecutionPlan plan)
        {
            clock.Pass(4); // three timings
            return new PlanTiming(plan.Replicas == 2 ? 0.5 : 1, false, true, false);
        }
        Planner(home).Resolve(run.Path, true, new MeasuringLimit(clock, null, null, CancellationToken.None), Slow)
            .ShouldBe(new ExecutionPlan(2, 2));
        File.Exists(Path.Combine(home.Path, "execution-plans.json")).ShouldBeFalse();
    }

    [Fact]
    public void Where_other_programs_take_the_cores_measuring_ends_and_a_guess_serves()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        var said = new List<string>();
        int timed = 0;
        Planner(home, tell: said.Add).Resolve(run.Path, true, Endless(), plan =>
        {
            timed++;
            return new PlanTiming(plan.Replicas, false, false, false) { Spread = 3 };
        }).ShouldBe(new ExecutionPlan(4, 1));
        timed.ShouldBe(2);
        said[^1].ShouldContain("other programs use this machine");
        File.Exists(Path.Combine(home.Path, "execution-plans.json")).ShouldBeFalse();
    }

    [Fact]
    public void A_short_training_begins_at_once()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        var limit = new MeasuringLimit(new StepClock(), 60, null, CancellationToken.None);
        Planner(home).Resolve(run.Path, true, limit, _ => throw new InvalidOperationException("it is short"))
            .ShouldBe(new ExecutionPlan(4, 1));
    }

    [Fact]
    public void An_interruption_ends_measuring_before_the_next_step_and_leaves_no_plan()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        var limit = new MeasuringLimit(new StepClock(), null, null, cancel.Token);
        int timed = 0;
        Should.Throw<OperationCanceledException>(() => Planner(home).Resolve(run.Path, true, limit, plan =>
        {
            timed++;
            cancel.Cancel();
            return new PlanTiming(1, false, false, false);
        }));
        timed.ShouldBe(1);
        Directory.EnumerateFileSystemEntries(run.Path).ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(home.Path).ShouldBeEmpty();
    }

    private static MeasuringLimit Endless() => new(new StepClock(), null, null, CancellationToken.None);

    private static ExecutionPlanner Planner(TemporaryFolder home, int replicas = 0, Action<string>? tell = null) => new(
        new Recipe
        {
            Model = new("gpt", new GptConfig()),
            Training = new() { Device = "cpu", Threads = 4, Replicas = replicas, BatchSize = 12 },
        },
        home.Path, tell ?? (_ => { }));

    /// <summary>A clock that goes on only when it is made to.</summary>
    private sealed class StepClock : TimeProvider
    {
        private long _ticks;

        public double Seconds => TimeSpan.FromTicks(_ticks).TotalSeconds;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(double seconds) => _ticks += TimeSpan.FromSeconds(seconds).Ticks;

        public override long GetTimestamp() => _ticks;
    }
}
