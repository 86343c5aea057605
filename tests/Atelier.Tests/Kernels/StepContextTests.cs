using Atelier.Data.Text;
using Atelier.Kernels;
using Atelier.Training;
using Atelier.Training.Execution;
using static TorchSharp.torch;

namespace Atelier.Tests.Kernels;

public sealed class StepContextTests
{
    [Fact]
    public void Given_no_context_then_nothing_is_planned_shared_or_seeded()
    {
        StepContext.Current.ShouldSatisfyAllConditions(c => c.Random.ShouldBeNull(), c => c.Dispatch.ShouldBeNull(),
            c => c.Weights.ShouldBeNull(), c => c.LossWeight.ShouldBe(1), c => c.SecondOrder.ShouldBeFalse());
    }

    [Fact]
    public void Given_a_context_within_another_then_each_end_restores_the_one_before()
    {
        StepContext none = StepContext.Current;
        using (new StepContext { LossWeight = 0.5 }.Use())
        {
            Should.Throw<InvalidOperationException>(() =>
            {
                using var inner = (StepContext.Current with { SecondOrder = true }).Use();
                StepContext.Current.ShouldBe(new StepContext { LossWeight = 0.5, SecondOrder = true });
                throw new InvalidOperationException("a step that fails");
            });
            StepContext.Current.ShouldBe(new StepContext { LossWeight = 0.5 });
        }
        StepContext.Current.ShouldBeSameAs(none);
    }

    [Fact]
    public async Task Given_a_context_on_one_thread_then_another_has_none()
    {
        using var context = new StepContext { LossWeight = 0.5 }.Use();
        double other = await Task.Factory.StartNew(() => StepContext.Current.LossWeight, CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        other.ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Given_a_step_that_ends_or_fails_then_replicas_restore_the_context(bool fails)
    {
        StepContext before = StepContext.Current;
        using var model = new Probe();
        using var replicas = new Replicas<TextBatch>(model, null, new ExecutionPlan(1, 1));
        using var batch = new TextBatch(zeros(2, 4, ScalarType.Int64), zeros(2, 4, ScalarType.Int64));
        using var scope = NewDisposeScope();
        model.Fails = fails;

        Action learn = () => replicas.Learn(0, batch, 0.25);
        if (fails)
            learn.ShouldThrow<InvalidOperationException>();
        else
            learn();

        model.Seen.ShouldNotBeNull().ShouldSatisfyAllConditions(c => c.LossWeight.ShouldBe(0.25),
            c => c.Random.ShouldNotBeNull(), c => c.Dispatch.ShouldBe(replicas.Dispatch),
            c => c.Weights.ShouldBe(replicas.Rounded));
        StepContext.Current.ShouldBeSameAs(before);
    }

    /// <summary>Remembers the context in which its loss was computed.</summary>
    private sealed class Probe : GradientModel<TextBatch>
    {
        private readonly TorchSharp.Modules.Parameter _weight = new(ones(1));

        public Probe()
            : base("probe") => RegisterComponents();

        public bool Fails { get; set; }

        public StepContext? Seen { get; private set; }

        public override IReadOnlyList<Objective<TextBatch>> Objectives => [new("loss", Loss, [_weight])];

        public override IReadOnlyDictionary<string, double> Evaluate(TextBatch batch) =>
            new Dictionary<string, double> { ["loss"] = 0 };

        private Tensor Loss(TextBatch batch)
        {
            Seen = StepContext.Current;
            return Fails ? throw new InvalidOperationException("a step that fails") : _weight.sum();
        }
    }
}
