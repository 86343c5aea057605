using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Models.Gpt;
using Atelier.Networks;
using Atelier.Tests.Data;
using Atelier.Tests.Exchange;
using Atelier.Tests.Training;

namespace Atelier.Tests.Compress;

public sealed class ChannelPruningTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("llama", "model.layers.0.mlp.down_proj.weight", "model.layers.0.mlp.up_proj.weight")]
    [InlineData("gpt2", "transformer.h.0.mlp.c_proj.weight", "transformer.h.0.mlp.c_fc.weight")]
    [InlineData("own", "blocks.0.feedForward.output.weight", "blocks.0.feedForward.input.weight")]
    public async Task Channels_are_removed_and_the_rest_makes_up_for_them(string shape, string down, string up)
    {
        // the own layout has gate and input in one matrix
        GptConfig config = shape == "own" ? TinyBundles.Gpt2 with { Activation = ActivationName.SwiGlu }
            : TinyBundles.Shape(shape);
        TinyBundles.Write(_folder["bundle"], config, TinyBundles.Tokenizer("character"));
        string text = _folder.Write("text.txt", string.Concat(Enumerable.Repeat(TinyBundles.Text, 8)));
        CompressionReport report = await new Workshop().CompressAsync(_folder["bundle"], _folder["small"], new()
            { Prune = "channels:50%", RecoverySteps = 0, Calibration = text, Against = text });
        report.Type.ShouldBe("pruned-channels-50%");
        report.After.Bytes.ShouldBeLessThan(report.Before.Bytes);
        report.After.MemoryBytes.ShouldBeLessThan(report.Before.MemoryBytes);
        Math.Abs(report.LossChange!.Value).ShouldBeLessThan(1.5);

        // the kept channels are those whose weights of the first layer are still there
        const int hidden = 64, width = 64;
        float[][] before = Rows("bundle", up, hidden), after = Rows("small", up, hidden);
        int whole = config.FeedForwardSize!.Value;
        int[] kept = [.. after.Take(width).Select(row => Array.FindIndex(before, other => other.SequenceEqual(row)))];
        kept.ShouldBe(kept.Distinct().Order());
        kept.ShouldAllBe(channel => channel >= 0 && channel < whole);
        if (shape == "own")
            after.Skip(width).Zip(kept).ShouldAllBe(pair => pair.First.SequenceEqual(before[whole + pair.Second]));

        // the results of the second layer change less than if the other channels were only left out
        using TextGenerator original = TextModelFile.Open(_folder["bundle"]);
        var inputs = new DownInputs(down);
        ((ICalibratable)original.Model).Calibrate(original.Tokenizer.Encode(TinyBundles.Text), inputs);
        float[][] w = Rows("bundle", down, whole), compensated = Rows("small", down, width);
        double Change(Func<int, int, double> weight) => inputs.Vectors.Chunk(whole).Sum(x => w.Index().Sum(row =>
            Math.Pow(x.Select((v, i) => (double)v * row.Item[i]).Sum()
                - kept.Select((channel, i) => x[channel] * weight(row.Index, i)).Sum(), 2)));
        Change((row, i) => compensated[row][i]).ShouldBeLessThan(0.8 * Change((row, i) => w[row][kept[i]]));
    }

    [Fact]
    public async Task A_model_without_some_channels_recovers_and_is_quantised()
    {
        await new FineTunedRuns(_folder).TrainAsync("run", "gpt", "training.steps=4", "model.feedForwardSize=128");
        CompressionReport report = await new Workshop().CompressAsync(_folder["run"], _folder["small"],
            new() { Prune = "channels:50%", RecoverySteps = 3, Type = "q2" });
        report.Type.ShouldBe("pruned-channels-50%-q2");
        ChannelPruning.WidthOf(Atelier.Runs.Bundle.Open(_folder["small"])).ShouldBe(64);
        (await Should.ThrowAsync<AtelierException>(() => new Workshop().CompressAsync(_folder["run"], _folder["none"],
            new() { Prune = "channels:90%", RecoverySteps = 0 }))).ToLine().ShouldContain("leaves all or none");
        Directory.Exists(_folder["none"]).ShouldBeFalse();
    }

    private float[][] Rows(string bundle, string name, int columns)
    {
        using ModelWeights weights = ModelWeights.Open(_folder[bundle],
            ConfigFile.Read(_folder[Path.Combine(bundle, "config.json")]));
        return [.. weights.Find(name)!.Read(TensorLayout.Gguf).Chunk(columns)];
    }

    private sealed class DownInputs(string name) : ILinearInputs
    {
        public float[] Vectors { get; private set; } = [];

        public void Add(string weight, ReadOnlySpan<float> vectors, int columns)
        {
            if (weight == name)
                Vectors = [.. Vectors, .. vectors];
        }
    }
}
