using Atelier.Data.Text;
using Atelier.Kernels;
using Atelier.Models.Gpt;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Training;
using Atelier.Training.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Training.Execution;

public sealed class ReplicasTests
{
    private const int Vocabulary = 11, Rows = 5, Time = 8;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)] // more copies than rows
    public void Copies_that_share_a_batch_have_the_gradient_of_the_whole_batch(int copies)
    {
        using GptModel model = Model(0);
        using TextBatch batch = Batch();
        using var scope = NewDisposeScope();
        float whole = model.Loss(batch).ToSingle();
        model.Loss(batch).backward();
        var expected = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());

        model.zero_grad();
        GptModel[] made = new GptModel[copies];
        int count = 0;
        using var replicas =
            new Replicas<TextBatch>(model, () => made[count++] = Model(0), new ExecutionPlan(copies, 1));
        replicas.Seed(1, 1);
        replicas.Learn(0, batch, 1).ToSingle().ShouldBe(whole, 1e-5f);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            Tensor sum = parameter.grad!.clone();
            foreach (GptModel copy in made[..count])
            {
                if (copy.get_parameter(name)!.grad is { } grad)
                    sum.add_(grad, 1);
            }
            sum.allclose(expected[name], 1e-4, 1e-6).ShouldBeTrue(name);
        }
    }

    [Fact]
    public void Copies_learn_what_one_model_learns_and_the_same_again_bit_for_bit()
    {
        float[] one = Learn(copies: 1, dropout: 0), two = Learn(copies: 2, dropout: 0),
            again = Learn(copies: 2, dropout: 0);
        two.ShouldBe(again);
        for (int i = 0; i < one.Length; i++)
            two[i].ShouldBe(one[i], 2e-4f);
    }

    [Fact]
    public void Dropout_in_copies_follows_from_the_seed_whatever_the_threads_do()
    {
        Learn(copies: 2, dropout: 0.3).ShouldBe(Learn(copies: 2, dropout: 0.3));
        Learn(copies: 2, dropout: 0.3).ShouldNotBe(Learn(copies: 2, dropout: 0));
    }

    [Fact]
    public void Copies_measure_a_batch_each_as_the_model_alone_does_and_go_on_learning_with_dropout()
    {
        using GptModel model = Model(0.5);
        var made = new List<GptModel>();
        using var replicas = new Replicas<TextBatch>(model, () =>
        {
            made.Add(Model(0.5));
            return made[^1];
        }, new ExecutionPlan(3, 1));
        model.train();
        using TextBatch batch = Batch(), other = new(batch.Inputs, batch.Inputs);
        IReadOnlyDictionary<string, double>[] figures = replicas.Evaluate([other, batch]);
        made.Append(model).ShouldAllBe(copy => copy.training);
        model.eval();
        figures.Select(f => f["loss"]).ShouldBe([model.Evaluate(other)["loss"], model.Evaluate(batch)["loss"]], 1e-6);
    }

    [Fact]
    public void What_a_member_of_the_team_throws_is_thrown_to_the_caller_and_the_team_goes_on()
    {
        using var team = new WorkerTeam(3, () => { });
        Should.Throw<InvalidOperationException>(() => team.Run(member =>
        {
            if (member == 2)
                throw new InvalidOperationException("member 2");
        })).Message.ShouldBe("member 2");
        int[] done = new int[3];
        for (int round = 0; round < 1000; round++)
            team.Run(member => done[member]++);
        Thread.Sleep(20); // the members are asleep now, and wake
        team.Run(member => done[member]++);
        done.ShouldBe([1001, 1001, 1001]);
    }

    /// <summary>All weights after some steps.</summary>
    private static float[] Learn(int copies, double dropout)
    {
        using GptModel model = Model(dropout);
        using var replicas = new Replicas<TextBatch>(model, () => Model(dropout), new ExecutionPlan(copies, 1));
        using var mover =
            new ObjectiveOptimizer<TextBatch>(0, replicas, new Dictionary<nint, string>(), new TrainingSection());
        model.train();
        using TextBatch batch = Batch();
        for (int step = 1; step <= 5; step++)
        {
            using var scope = NewDisposeScope();
            replicas.Seed(7, step);
            replicas.Begin(0);
            mover.Learn(batch, 2);
            mover.Learn(batch, 2);
            mover.Move(1e-3);
        }
        using var all = NewDisposeScope();
        return [.. model.parameters().SelectMany(p => p.detach().flatten().data<float>().ToArray())];
    }

    private static GptModel Model(double dropout) => new(
        new GptConfig { LayerCount = 2, HeadCount = 2, HiddenSize = 16, ContextLength = Time, Dropout = dropout },
            Vocabulary, Precision.Fp32, seed: 3);

    private static TextBatch Batch()
    {
        long[] ids = [.. Enumerable.Range(0, Rows * Time).Select(i => (long)(i * i % Vocabulary))];
        // Places that do not count lie unevenly over the rows.
        long[] next = [.. ids.Select((id, i) => i < 6 ? TextBatch.NotCounted : (id + 3) % Vocabulary)];
        return new TextBatch(tensor(ids, Rows, Time), tensor(next, Rows, Time));
    }
}
