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
        double Two(ExecutionPlan plan) => ++measured * 1e-6 + (plan.Replicas == 2 ? 1 : 2);

        Planner(home).Resolve(run.Path, true, Two).ShouldBe(new ExecutionPlan(2, 2));
        measured.ShouldBeGreaterThan(2);
        Func<ExecutionPlan, double> never = _ => throw new InvalidOperationException("it is known");
        using var other = new TemporaryFolder();
        Planner(home).Resolve(other.Path, true, never).ShouldBe(new ExecutionPlan(2, 2));
        using var nowhere = new TemporaryFolder();
        Planner(nowhere).Resolve(run.Path, true, never).ShouldBe(new ExecutionPlan(2, 2)); // a run goes on as it began
    }

    [Fact]
    public void What_was_damaged_is_measured_anew()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        File.WriteAllText(Path.Combine(home.Path, "execution-plans.json"), "{\"x\": [");
        File.WriteAllText(Path.Combine(run.Path, "execution.json"), "{\"replicas\": -1, \"threads\": 0}");
        Planner(home).Resolve(run.Path, true, plan => plan.Replicas == 4 ? 1 : 2).ShouldBe(new ExecutionPlan(4, 1));
        using var second = new TemporaryFolder();
        Planner(home).Resolve(second.Path, true, _ => throw new InvalidOperationException("it is known")).ShouldBe(new ExecutionPlan(4, 1));
    }

    [Fact]
    public void What_the_recipe_says_is_not_measured()
    {
        using var home = new TemporaryFolder();
        using var run = new TemporaryFolder();
        Func<ExecutionPlan, double> never = _ => throw new InvalidOperationException("it is said");
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
