using Atelier.Data.Text;
using Atelier.Models.Gpt;
using Atelier.Runs;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Exchange;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

/// <summary>A model learns the probabilities of a larger one.</summary>
public sealed class DistillationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_loss_is_that_of_hintons_formula_computed_token_by_token_and_gives_no_gradient_to_the_teacher()
    {
        const double weight = 0.3, temperature = 2;
        using var scope = NewDisposeScope();
        var config = new GptConfig { LayerCount = 1, HeadCount = 1, HiddenSize = 8, ContextLength = 6 };
        using var teacher = new GptModel(config, 5, Precision.Fp32, seed: 1);
        using var distillation = new Distillation(teacher, weight, temperature);
        using var random = new Generator(2, CPU);
        Tensor inputs = randint(0, 5, [2, 6], generator: random), targets = randint(0, 5, [2, 6], generator: random),
            logits = randn([2, 6, 5], generator: random).requires_grad_();
        Tensor loss = distillation.Loss(inputs, logits, targets, smoothing: 0);
        loss.backward();
        teacher.parameters().Select(parameter => parameter.grad).All(grad => grad is null).ShouldBeTrue();
        using var none = no_grad();
        double[][] known = Rows(teacher.Forward(inputs)), own = Rows(logits);
        long[] next = targets.data<long>().ToArray();
        double expected = 0;
        for (int at = 0; at < own.Length; at++)
        {
            double[] p = Softmax(known[at], temperature), q = Softmax(own[at], temperature);
            double divergence = p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();
            expected += ((1 - weight) * -Math.Log(Softmax(own[at], 1)[next[at]]))
                + (weight * temperature * temperature * divergence);
        }
        loss.item<float>().ShouldBe((float)(expected / own.Length), 1e-5f);
        // the gradient of a row: ((1 − w) (q₁ − target) + w T (q_T − p_T)) / rows
        double[][] gradient = Rows(logits.grad!);
        double[] first = Softmax(own[0], 1), soft = Softmax(own[0], temperature), taught =
            Softmax(known[0], temperature);
        for (int i = 0; i < first.Length; i++)
            gradient[0][i].ShouldBe((((1 - weight) * (first[i] - (next[0] == i ? 1 : 0)))
                + (weight * temperature * (soft[i] - taught[i]))) / own.Length, 1e-6);
    }

    [Theory]
    [InlineData("gpt")]
    [InlineData("rnn")]
    public async Task A_smaller_model_of_either_family_learns_what_only_its_teacher_knows(string family)
    {
        // the teacher knows Chinese: what it says of English text can only be learned from it
        var runs = new FineTunedRuns(_folder);
        await runs.TrainAsync("teacher", "gpt", "training.steps=30", "training.optimizer.learningRate=0.01",
            "data.source=world:stories-zh");
        string[] settings = ["model.layerCount=1", "training.steps=30", "training.optimizer.learningRate=0.01"];
        await runs.TrainAsync("alone", family, settings);
        TrainingOutcome taught = await runs.TrainAsync("taught", family,
            [.. settings, $"training.teacher='{_folder["teacher"]}'", "training.teacherWeight=1"]);
        taught.Family.ShouldBe(family);
        Distance("taught").ShouldBeLessThan(Distance("alone") / 4);

        double Distance(string run)
        {
            using var scope = NewDisposeScope();
            using var none = no_grad();
            using var teacher = TinyBundles.OpenForTraining(_folder["teacher/bundle"]);
            using var student = TinyBundles.OpenForTraining(_folder[run + "/bundle"]);
            using TextData data = TextData.Open(_folder["taught/data"]);
            int[] tokens = new int[24 * 8];
            data.Validation.Read(0, tokens);
            Tensor ids = tensor(tokens.Select(token => (long)token).ToArray(), [8, 24]);
            Tensor p = nn.functional.log_softmax(((TextModel)teacher.Model).Forward(ids), -1),
                q = nn.functional.log_softmax(((TextModel)student.Model).Forward(ids), -1);
            return (p.exp() * (p - q)).sum(-1).mean().item<float>();
        }
    }

    [Fact]
    public async Task A_teacher_that_does_not_fit_is_one_line_by_its_key_and_leaves_nothing()
    {
        var runs = new FineTunedRuns(_folder);
        await runs.TrainAsync("teacher", "gpt", "training.steps=1");
        await Refuses("larger than it reads", "fewer than 48", "model.contextLength=48");
        await Refuses("other tokens", "not that of the model of training.teacher", "data.tokenizer.kind=character");
        (await Should.ThrowAsync<AtelierException>(() => runs.TrainAsync("no", "gpt", "training.teacher=nowhere",
            "data.source=none"))).ToLine().ShouldContain("nowhere"); // before the data
        (await Should.ThrowAsync<AtelierException>(() => runs.TrainAsync("no", "gpt", "training.teacherWeight=0.9")))
            .ToLine().ShouldContain("training.teacher");

        async Task Refuses(string why, string said, string setting)
        {
            (await Should.ThrowAsync<AtelierException>(() => runs.TrainAsync("no", "gpt", "training.steps=1",
                $"training.teacher='{_folder["teacher"]}'", setting))).ToLine().ShouldContain(said, customMessage: why);
            Directory.Exists(_folder["no"]).ShouldBeFalse();
        }
    }

    private static double[][] Rows(Tensor logits) =>
        [.. logits.detach().to(ScalarType.Float32).flatten(0, 1).contiguous().data<float>().ToArray()
            .Chunk((int)logits.shape[^1]).Select(row => row.Select(value => (double)value).ToArray())];

    private static double[] Softmax(double[] logits, double temperature)
    {
        double[] powers = [.. logits.Select(value => Math.Exp(value / temperature))];
        return [.. powers.Select(power => power / powers.Sum())];
    }
}
