using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Generation;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tests.Data;
using Atelier.Training;

namespace Atelier.Tests.Models.Hmm;

public sealed class HmmFamilyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HmmFamily _family = new();

    public void Dispose() => _folder.Dispose();

    private static readonly Recipe Recipe = new()
    {
        Model = new ModelSection("hmm",
            new HmmConfig { StateCounts = [2, 4], Restarts = 2, Iterations = 6, Tolerance = 0 }),
        Training = new TrainingSection { CheckpointEvery = 4 },
    };

    private TextData Data()
    {
        string path = _folder.Write("text.txt",
            string.Concat(Enumerable.Range(0, 300).Select(i => $"line {i % 7} and {i % 5}\n")));
        return TextData.Prepare(new DataSection { Source = path, Document = DocumentUnit.Line,
            Tokenizer = new() { ByteFallback = false } }, 1, _folder["data"]);
    }

    [Fact]
    public async Task An_interrupted_run_goes_on_to_the_very_model_of_an_unbroken_one()
    {
        using TextData data = Data();
        TrainingReport whole;
        using (var run = Run.Create(_folder["whole"], Recipe))
            whole = await _family.CreateLearner(Recipe, data)
                .LearnAsync(run, new Progress(_ => { }), CancellationToken.None);
        whole.Steps.ShouldBe(4 * 6);
        using (var run = Run.Create(_folder["broken"], Recipe))
        {
            foreach (int steps in (int[])[3, 10, 13])
            {
                using var stop = new CancellationTokenSource();
                TrainingReport part = await _family.CreateLearner(Recipe, data)
                    .LearnAsync(run, new Progress(at => { if (at.Step >= steps) stop.Cancel(); }), stop.Token);
                (part.StopReason, part.Steps).ShouldBe(("interrupted", steps));
            }
            TrainingReport rest = await _family.CreateLearner(Recipe, data)
                .LearnAsync(run, new Progress(_ => { }), CancellationToken.None);
            rest.Metrics.ShouldBe(whole.Metrics);
        }
        File.ReadAllBytes(Path.Combine(_folder["broken"], "bundle", "model.safetensors"))
            .ShouldBe(File.ReadAllBytes(Path.Combine(_folder["whole"], "bundle", "model.safetensors")));
        File.ReadLines(Path.Combine(_folder["broken"], "metrics.jsonl")).Count(line => line.Contains("\"loss\""))
            .ShouldBe(24);
    }

    [Fact]
    public async Task A_loaded_model_scores_and_writes_as_the_filter_does()
    {
        using TextData data = Data();
        using (var run = Run.Create(_folder["run"], Recipe))
            await _family.CreateLearner(Recipe, data).LearnAsync(run, new Progress(_ => { }), CancellationToken.None);
        using var generator = _family.Load(Bundle.Open(_folder["run"]), "cpu").Require<TextGenerator>();
        var text = (HmmTextModel)generator.Model;
        int[] document = new int[data.Test.Document(0).Length];
        data.Test.Read(data.Test.Document(0).Start, document);
        int[] tokens = [data.Facts.StartId, .. document];
        TokenScore[] scores = text.Score([tokens])[0];
        scores.Sum(s => s.LogProbability).ShouldBe(text.Model.LogLikelihoods([HmmSequence.Of(document)])[0], 1e-9);
        using IDecodingState state = text.CreateState(1);
        float[] logits = new float[text.VocabularySize];
        for (int i = 0; i < document.Length; i++)
        {
            state.Append([tokens[i]], logits);
            logits[tokens[i + 1]].ShouldBe((float)scores[i].LogProbability, 1e-4f);
            logits.Sum(logit => Math.Exp(logit)).ShouldBe(1, 1e-5);
        }
        generator.GenerateAsync(new GenerationRequest { Count = 3, Prompt = "line" }).ToBlockingEnumerable().Count()
            .ShouldBe(3);
    }

    [Fact]
    public void Tokens_given_known_states_have_the_probabilities_that_all_ways_give()
    {
        var model = new HmmModel(new HmmChain([0.6, 0.4, 0], [0.5, 0.3, 0.2, 0.1, 0.6, 0.3, 0.4, 0.4, 0.2]),
            new CategoricalEmissions(3, Padding.Add([0.7, 0.2, 0.1, 0.2, 0.5, 0.3, 0.1, 0.3, 0.6], 3, 8)));
        int[] tokens = [1, 0, 2, 1]; // one of the prompt, three of the sample
        var known = new Dictionary<int, string> { [1] = "2", [2] = "0" }; // that is at tokens 2 and 3
        double Joint(int length) =>
            Enumerable.Range(0, 81).Select(number => (int[])[number % 3, number / 3 % 3, number / 9 % 3, number / 27])
            .Where(path => path[2] == 2 && path[3] == 0)
            .Sum(path => Enumerable.Range(0, 4)
                .Aggregate(1.0,
                (p, t) => p * (t == 0 ? model.Chain.Start[path[0]] : model.Chain.Transition(path[t - 1], path[t]))
                * (t < length ? ((CategoricalEmissions)model.Emissions).Row(tokens[t])[path[t]] : 1)));
        using ILanguageModel given = new HmmTextModel(model, null).Given(known, prompt: 1, places: 3);
        using IDecodingState state = given.CreateState(1);
        float[] logits = new float[3];
        for (int t = 0; t < 3; t++)
        {
            state.Append([tokens[t]], logits);
            Math.Exp(logits[tokens[t + 1]]).ShouldBe(Joint(t + 2) / Joint(t + 1), 1e-6);
        }
        Should.Throw<AtelierException>(() =>
            new KnownStates(model, new Dictionary<int, string> { [3] = "0" },
            3)).Message.ShouldContain("is no state of a place");
    }

    [Fact]
    public void Numbers_are_not_asked_of_text()
    {
        using TextData data = Data();
        Recipe recipe = Recipe with { Model = new("hmm", new HmmConfig { Emission = HmmEmission.Gaussian }) };
        Should.Throw<AtelierException>(() => _family.CreateLearner(recipe, data)).Where.ShouldBe("model.emission");
    }

    private sealed class Progress(Action<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told(value);
    }
}
