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
        PlanTiming Two(ExecutionPlan plan) => new(++measured * 1e-6 + (plan.Replicas == 2 ? 1 : 2), false, false, false);

        Planner(home).Resolve(run.Path, true, Two).ShouldBe(new ExecutionPlan(2, 2));
        measured.ShouldBeGreaterThan(2);
        Func<ExecutionPlan, PlanTiming> never = _ => throw new InvalidOperationException("it is known");
        using var other = new TemporaryFolder();
        Planner(home).Resolve(other.Path, true, never).ShouldBe(new ExecutionPlan(2, 2));
        using var nowhere = new TemporaryFolder();
        Planner(nowhere).Resolve(run.Path, true, never).ShouldBe(new ExecutionPlan(2, 2)); // a run goes on as it began
    }

    [Theory]
    [InlineData(LayerPath.WrittenOut)]
    [InlineData(LayerPath.LibraryProducts)]
    [InlineData(LayerPath.Composed)]
    [InlineData(LayerPath.FusedAttention)]
    public void Of_the_paths_that_a_division_meets_the_fastest_is_kept_and_met_again(LayerPath fastest)
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        var timed = new List<ExecutionPlan>();
        PlanTiming Time(ExecutionPlan plan)
        {
            timed.Add(plan);
            bool kernels = plan.Threads == 1; // as layers that are written out ask only there
            return new PlanTiming(plan.Replicas == 4 && plan.Layers == fastest ? 1 : 2, kernels, kernels && plan.Layers == default, !kernels || plan.Layers == LayerPath.Composed);
        }

        var expected = new ExecutionPlan(4, 1, fastest);
        Planner(home).Resolve(run.Path, true, Time).ShouldBe(expected);
        timed.Distinct().ShouldBe([new(1, 4), new(1, 4, LayerPath.FusedAttention), new(2, 2), new(2, 2, LayerPath.FusedAttention),
            new(4, 1), new(4, 1, LayerPath.LibraryProducts), new(4, 1, LayerPath.Composed), new(4, 1, LayerPath.FusedAttention)]);
        timed.CountBy(plan => plan).ShouldAllBe(count => count.Value == (count.Key == expected || count.Key.Layers == default ? 3 : 1)); // no other path that is half as fast
        Func<ExecutionPlan, PlanTiming> never = _ => throw new InvalidOperationException("it is known");
        using var other = new TemporaryFolder();
        Planner(home).Resolve(other.Path, true, never).ShouldBe(expected);
        using var nowhere = new TemporaryFolder();
        Planner(nowhere).Resolve(run.Path, true, never).ShouldBe(expected);
    }

    [Fact]
    public void What_another_build_measured_is_measured_anew()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        Planner(home).Resolve(run.Path, true, plan => new PlanTiming(plan.Replicas, false, false, false)).ShouldBe(new ExecutionPlan(1, 4));
        string kept = Path.Combine(home.Path, "execution-plans.json"), build = typeof(ExecutionPlan).Module.ModuleVersionId.ToString();
        string text = File.ReadAllText(kept);
        text.ShouldContain(build);
        File.WriteAllText(kept, text.Replace(build, Guid.Empty.ToString(), StringComparison.Ordinal));
        using var second = new TemporaryFolder();
        Planner(home).Resolve(second.Path, true, plan => new PlanTiming(1.0 / plan.Replicas, false, false, false)).ShouldBe(new ExecutionPlan(4, 1));
    }

    [Fact]
    public void A_run_that_was_begun_before_there_were_paths_goes_on_with_the_usual_one()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        File.WriteAllText(Path.Combine(run.Path, "execution.json"), "{\"replicas\": 2, \"threads\": 2}");
        Planner(home).Resolve(run.Path, true, _ => throw new InvalidOperationException("it is known")).ShouldBe(new ExecutionPlan(2, 2, LayerPath.WrittenOut));
    }

    [Fact]
    public void What_was_damaged_is_measured_anew()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        File.WriteAllText(Path.Combine(home.Path, "execution-plans.json"), "{\"x\": [");
        File.WriteAllText(Path.Combine(run.Path, "execution.json"), "{\"replicas\": -1, \"threads\": 0}");
        Planner(home).Resolve(run.Path, true, plan => new PlanTiming(plan.Replicas == 4 ? 1 : 2, false, false, false)).ShouldBe(new ExecutionPlan(4, 1));
        using var second = new TemporaryFolder();
        Planner(home).Resolve(second.Path, true, _ => throw new InvalidOperationException("it is known")).ShouldBe(new ExecutionPlan(4, 1));
    }

    [Fact]
    public void What_the_recipe_says_is_not_measured()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        Func<ExecutionPlan, PlanTiming> never = _ => throw new InvalidOperationException("it is said");
        Planner(home, replicas: 2).Resolve(run.Path, true, never).ShouldBe(new ExecutionPlan(2, 2));
        using var alone = new TemporaryFolder();
        Planner(home).Resolve(alone.Path, canReplicate: false, never).ShouldBe(new ExecutionPlan(1, 4));
        using var refused = new TemporaryFolder();
        Should.Throw<AtelierException>(() => Planner(home, replicas: 2).Resolve(refused.Path, canReplicate: false, never)).Where.ShouldBe("training.replicas");
    }

    private static ExecutionPlanner Planner(TemporaryFolder home, int replicas = 0) => new(
        new Recipe
        {
            Model = new("gpt", new GptConfig()),
            Training = new() { Device = "cpu", Threads = 4, Replicas = replicas, BatchSize = 12 },
        },
        home.Path, _ => { });
}
