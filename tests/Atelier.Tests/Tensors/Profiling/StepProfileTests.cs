using System.Text.Json;
using Atelier.Tensors.Profiling;
using Atelier.Tests.Training;

namespace Atelier.Tests.Tensors.Profiling;

[Collection(nameof(OneAtATime))]
public sealed class StepProfileTests
{
    [Fact]
    public void The_rows_of_the_first_level_and_the_rest_add_up_to_the_step()
    {
        using var run = new TinyRun(TinyRun.Plain with { Steps = 12, Ema = 0.9 });
        run.Run.Profile = new StepProfile(from: 4, steps: 5);
        using var model = new TinyModel();
        run.Learn(model);

        ProfileReport report = run.Run.Profile.Report.ShouldNotBeNull();
        (report.From, report.Steps, report.Threads).ShouldBe((4, 5, 1));
        ProfileRow[] top = [.. report.Rows.Where(row => row.Path.Count == 1)];
        top.Select(row => row.Path[0])
            .ShouldBe(["between operations", "zero gradients", "round weights", "gradients", "batch", "clip",
            "optimizer", "moving average"], ignoreOrder: true);
        top.Sum(row => row.Share).ShouldBe(report.AccountedShare, 1e-9);
        top.Sum(row => row.Milliseconds).ShouldBe(report.AccountedShare * report.StepMilliseconds, 1e-6);
        report.AccountedShare.ShouldBeInRange(0.01, 1);
        report.PlainStepMilliseconds.ShouldNotBeNull().ShouldBeGreaterThan(0);
        report.Rows.Single(row => row.Path[0] == "optimizer").Calls.ShouldBe(1);
        run.Told.ShouldContain(told => told.Message != null && told.Message.Contains("is accounted for"));
    }

    [Fact]
    public void The_trace_holds_complete_events_in_microseconds_within_their_steps()
    {
        using var run = new TinyRun(TinyRun.Plain with { Steps = 6 });
        run.Run.Profile = new StepProfile(from: 2, steps: 3);
        using var model = new TinyModel();
        run.Learn(model);

        using var trace = JsonDocument.Parse(File.ReadAllText(run.Run.Profile.Report!.TracePath));
        JsonElement[] events = [.. trace.RootElement.GetProperty("traceEvents").EnumerateArray()];
        JsonElement[] complete = [.. events.Where(e => e.GetProperty("ph").GetString() == "X")];
        events.Where(e => e.GetProperty("ph").GetString() == "M").Select(e => e.GetProperty("name").GetString())
            .Distinct().ShouldBe(["process_name", "thread_name"]);
        (double From, double To)[] steps =
            [.. complete.Where(e => e.GetProperty("cat").GetString() == "step").Select(Span)];
        steps.Length.ShouldBe(3);
        foreach (JsonElement e in complete.Where(e =>
            e.GetProperty("name").GetString() is "forward" or "backward" or "optimizer"))
        {
            (double from, double to) = Span(e);
            steps.ShouldContain(step => step.From <= from + 0.01 && to <= step.To + 0.01);
            e.GetProperty("pid").GetInt32().ShouldBe(1);
            e.GetProperty("tid").GetInt32().ShouldBeGreaterThan(0);
        }
        complete.Count(e => e.GetProperty("name").GetString() == "backward").ShouldBe(3);
    }

    [Fact]
    public void A_training_that_ends_before_the_profile_s_first_step_says_so()
    {
        using var run = new TinyRun(TinyRun.Plain with { Steps = 3 });
        run.Run.Profile = new StepProfile(from: 10);
        using var model = new TinyModel();
        run.Learn(model);
        run.Run.Profile.Report.ShouldBeNull();
        run.Told.ShouldContain(told => told.Message != null && told.Message.StartsWith("no step was profiled"));
    }

    private static (double From, double To) Span(JsonElement e) =>
        (e.GetProperty("ts").GetDouble(), e.GetProperty("ts").GetDouble() + e.GetProperty("dur").GetDouble());
}
