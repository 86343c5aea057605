using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Evaluation;
using Atelier.Models;
using Atelier.Models.ConvLstm;
using Atelier.Recipes;
using Atelier.Tasks.Video;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Data.Audio;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.ConvLstm;

public sealed class ConvLstmTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Shi et al. (2015), eq. 3 without peepholes, one position and channel after another.</summary>
    [Fact]
    public void A_cell_computes_what_a_plain_loop_computes()
    {
        const int Inputs = 2, Hidden = 3, Side = 4, Kernel = 3, All = Inputs + Hidden;
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var random = new Generator(2, CPU);
        using var cell = new ConvLstmCell(Inputs, Hidden, Kernel, Precision.Fp32, random);
        Tensor x = randn([1, Inputs, Side, Side], generator: random), h = randn([1, Hidden, Side, Side],
            generator: random), c = randn([1, Hidden, Side, Side], generator: random);
        var named = cell.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        float[] weight = named.Single(p => p.Value.dim() > 1).Value.reshape(-1).data<float>().ToArray(),
            bias = named.Single(p => p.Value.dim() == 1).Value.data<float>().ToArray(),
            input = cat([x, h], 1).reshape(-1).data<float>().ToArray(), before = c.reshape(-1).data<float>().ToArray();
        named.Single(p => p.Value.dim() > 1).Value.shape.ShouldBe([4 * Hidden, All, Kernel, Kernel]);
        (Tensor hidden, Tensor next) = cell.Forward(x, h, c);
        float[] nextHidden = hidden.reshape(-1).data<float>().ToArray(),
            nextCell = next.reshape(-1).data<float>().ToArray();

        double Gate(int channel, int row, int column)
        {
            double sum = bias[channel];
            for (int from = 0; from < All; from++)
            {
                for (int dy = 0; dy < Kernel; dy++)
                {
                    for (int dx = 0; dx < Kernel; dx++)
                    {
                        (int y, int z) = (row + dy - 1, column + dx - 1);
                        if (y is >= 0 and < Side && z is >= 0 and < Side)
                            sum += weight[(((channel * All) + from) * Kernel + dy) * Kernel + dx]
                                * input[(from * Side + y) * Side + z];
                    }
                }
            }
            return sum;
        }
        static double Sigmoid(double value) => 1 / (1 + Math.Exp(-value));
        for (int channel = 0; channel < Hidden; channel++)
        {
            for (int at = 0; at < Side * Side; at++)
            {
                double Of(int gate) => Gate((gate * Hidden) + channel, at / Side, at % Side);
                double expected = Sigmoid(Of(1) + 1) * before[channel * Side * Side + at]
                    + Sigmoid(Of(0)) * Math.Tanh(Of(2));
                ((double)nextCell[channel * Side * Side + at]).ShouldBe(expected, 1e-4);
                ((double)nextHidden[channel * Side * Side + at])
                    .ShouldBe(Sigmoid(Of(3)) * Math.Tanh(expected), 1e-4);
            }
        }
    }

    [Fact]
    public void A_new_model_of_differences_repeats_the_last_given_frame()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var schema = new VideoSchema(8, 8, 1, 4, 10, []);
        using var model = new ConvLstmModel(new ConvLstmConfig { HiddenSize = 8, Residual = true }, schema,
            Precision.Fp32, 1);
        model.eval();
        Tensor clips = rand([2, 4, 1, 8, 8]);
        using var random = new Generator(1, CPU);
        Tensor continued = model.Sample(randn([2, schema.Size]), GivenFrames.First(clips, 2), null,
            new(new(), new()), random);
        continued.narrow(1, 0, 2).allclose(clips.narrow(1, 0, 2), 0, 0).ShouldBeTrue();
        for (int frame = 2; frame < 4; frame++)
            continued.select(1, frame).allclose(clips.select(1, 1), 0, 0).ShouldBeTrue();
    }

    [Fact]
    public async Task A_trained_bundle_continues_videos_and_generates_none_freely()
    {
        Command.Ffmpeg("-version");
        await new Workshop().TrainAsync(RecipeReader.Read("moving-shapes", ModelFamilies.All,
        [
            "data.worldDocuments=60", "data.video.frames=6", "model={family: convlstm, hiddenSize: 8, layerCount: 1}",
            "training.steps=4", "training.batchSize=4", "training.evaluateEvery=2", "training.evaluationBatches=1",
            "training.sampleEvery=4", "training.device=cpu", "training.checkpointEvery=4",
            "training.schedule.warmupSteps=1", "evaluation.pictures=10", "generation={}",
        ]), new(_folder["run"]));
        using (var generator = new Workshop().Open(_folder["run"]).Require<VideoGenerator>())
        {
            byte[][] shown = [.. Enumerable.Range(0, 6).Select(i =>
                Enumerable.Repeat((byte)(40 * i), 3 * 32 * 32).ToArray())];
            byte[] gif = GifFile.Encode(32, 32, 3, shown, TimeSpan.FromMilliseconds(100),
                TimeSpan.FromMilliseconds(100));
            var request = new GenerationRequest { Input = new InputData(gif, "given.gif"), GivenFrames = [0, 1] };
            var video = (VideoSample)generator.GenerateAsync(request).ToBlockingEnumerable().Single();
            video.Frames.Count.ShouldBe(6);
            video.Frames[1].ToArray().Average(value => (double)value).ShouldBe(40, 3, "a given frame");
            AtelierException e = Should.Throw<AtelierException>(() =>
                generator.GenerateAsync(new()).ToBlockingEnumerable().ToList());
            e.ToLine().ShouldNotContain("\n");
            Should.Throw<AtelierException>(() => generator.GenerateAsync(request with { GivenFrames = [0, 5] })
                .ToBlockingEnumerable().ToList()).ToLine().ShouldContain("only continues the first frames");
        }
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Metrics.Keys.ShouldContain("peakSignalToNoiseGain");
    }
}
