using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Models;
using Atelier.Models.Rnn;
using Atelier.Networks;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Exchange;
using Atelier.Tokenizers;

namespace Atelier.Tests.Tasks.Text;

/// <summary>
/// On a CPU text models are judged as they are used: in the managed runtime, with the training library's figures.
/// </summary>
public sealed class ManagedEvaluationTests
{
    [Theory]
    [InlineData("gpt2")]
    [InlineData("rnn")]
    public async Task Figures_are_those_of_the_training_library(string shape)
    {
        using var folder = new TemporaryFolder();
        string bundle = folder["bundle"],
            text = folder.Write("text.txt", string.Concat(Enumerable.Repeat(TinyBundles.Text, 20)));
        Tokenizer tokenizer = TinyBundles.Tokenizer("character");
        if (shape == "rnn")
        {
            using var model = new RnnModel(new RnnConfig { EmbeddingSize = 16, HiddenSize = 24 },
                tokenizer.VocabularySize, Precision.Fp32, seed: 1);
            new RnnFamily().Write(bundle, model, tokenizer, new DecodingOptions(), 0, "# Tiny");
        }
        else
            TinyBundles.Write(bundle, TinyBundles.Shape(shape), tokenizer);
        using (var used = new Workshop().Open(bundle, new() { Device = "cpu" }).Require<TextGenerator>())
            (used.Model is Decoder or RecurrentDecoder).ShouldBeTrue();
        EvaluationReport managed = await new Workshop().EvaluateAsync(bundle, text, seed: 3);

        using var trained = TinyBundles.OpenForTraining(bundle);
        (trained.Model is Decoder or RecurrentDecoder).ShouldBeFalse();
        using var data = (TextData)new TextTask()
            .PrepareOther(new OtherData(text, new Recipe(), Bundle.Open(bundle), null, folder["data"], 1), null,
            CancellationToken.None);
        EvaluationReport expected = await TextEvaluator.EvaluateAsync(
            trained, data,
                new EvaluationContext(trained, data, new() { Samples = 0 }, bundle, 3,
                null) { Families = ModelFamilies.All });
        managed.Metrics.Keys.ShouldBe(expected.Metrics.Keys);
        foreach ((string name, Metric metric) in expected.Metrics)
        {
            managed.Metrics[name].Value.ShouldBe(metric.Value, (1e-4 * metric.Value) + 1e-9, name);
            managed.Metrics[name].Low.ShouldBe(metric.Low, (1e-4 * metric.Value) + 1e-9, name);
            managed.Metrics[name].High.ShouldBe(metric.High, (1e-4 * metric.Value) + 1e-9, name);
        }
    }
}
