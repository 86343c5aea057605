using Atelier.Abstractions;
using Atelier.Evaluation;
using Atelier.Models.Bert;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Labelled;
using Atelier.Tasks.Tagged;
using Atelier.Tests.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Training;

/// <summary>Training of encoders and of models of pairs that starts from a bundle, and heads on encoders.</summary>
public sealed class EncoderFineTuningTests : IDisposable
{
    private static readonly string[] s_usual =
    [
        "training.evaluateEvery=0", "training.sampleEvery=0", "training.checkpointEvery=0", "training.precision=fp32",
        "training.device=cpu", "training.threads=1", "training.schedule.warmupSteps=0",
    ];

    private static readonly string[] s_shape =
    [
        "model.family=bert", "model.layerCount=2", "model.headCount=2", "model.hiddenSize=32", "model.contextLength=24",
        "model.dropout=0", "model.attentionDropout=0",
    ];

    private static readonly string[] s_text =
        ["data.source=world:stories-en", "data.worldDocuments=200", "training.batchSize=4", .. s_usual];

    private static readonly string[] s_pairs =
        ["data.source=world:pairs-en-zh", "data.worldDocuments=200", "training.batchTokens=300", .. s_usual];

    private static readonly string[] s_tagged = ["model.family=bert", "data.kind=tagged", "training.batchTokens=200"];

    private readonly TemporaryFolder _folder = new();
    private readonly Workshop _workshop;

    public EncoderFineTuningTests() => _workshop = new(new WorkshopOptions { Home = _folder["home"] });

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Masked_language_modelling_starts_at_the_loss_of_the_bundle()
    {
        TrainingOutcome first = await Train("base", [.. s_shape, .. s_text, "training.steps=6",
            "data.tokenizer.kind=word-piece", "data.tokenizer.vocabularySize=300"]);
        TrainingOutcome second = await Train("next",
            [.. s_text, From("base"), "training.steps=1", "training.optimizer.learningRate=0"]);
        second.Report.Metrics["validationLoss"].ShouldBe(first.Report.Metrics["validationLoss"], 1e-6);
        File.ReadAllText(_folder["next/bundle/README.md"]).ShouldContain("fine-tuned from another model");

        await Train("longer", [.. s_text, From("base"), "training.steps=1", "training.optimizer.learningRate=0",
            "training.extendVocabulary=['[new]']"]);
        using var scope = NewDisposeScope();
        Tensor old = Read("base")["bert.embeddings.word_embeddings.weight"],
            now = Read("longer")["bert.embeddings.word_embeddings.weight"];
        now.shape[0].ShouldBe(old.shape[0] + 1);
        now.narrow(0, 0, old.shape[0]).allclose(old, 0, 0).ShouldBeTrue();

        await Train("frozen", [.. s_text, From("base"), "training.steps=2", "training.freeze.embeddings=true",
            "training.freeze.layers=1", "training.layerDecay=0.5"]);
        IReadOnlyDictionary<string, Tensor> before = Read("base"), after = Read("frozen");
        foreach ((string name, Tensor tensor) in after)
        {
            bool isFrozen = name.Contains(".layer.0.", StringComparison.Ordinal)
                || (name.Contains("embeddings.", StringComparison.Ordinal)
                    && !name.Contains("LayerNorm", StringComparison.Ordinal));
            if (isFrozen)
                tensor.allclose(before[name], 0, 0).ShouldBeTrue(name);
        }
        after["bert.encoder.layer.1.output.dense.weight"]
            .allclose(before["bert.encoder.layer.1.output.dense.weight"], 0, 0).ShouldBeFalse();

        await Train("adapted", [.. s_text, From("base"), "training.steps=2", "training.lora.rank=2",
            "training.lora.targets=[query]", "training.lora.dora=true"]);
        IReadOnlyDictionary<string, Tensor> adapted = Read("adapted");
        foreach ((string name, Tensor tensor) in adapted)
            tensor.allclose(before[name], 0, 1e-7).ShouldBe(!name.Contains("query.weight", StringComparison.Ordinal),
                name);
        File.ReadAllText(_folder["adapted/adapter/adapter_config.json"]).ShouldContain("query");
    }

    [Theory]
    [InlineData("transformer", "model.encoderLayerCount=1", "model.decoderLayerCount=1", "model.hiddenSize=32")]
    [InlineData("seq2seq", "model.hiddenSize=16", "model.embeddingSize=16", "data.pairs.sharedVocabulary=false")]
    [InlineData("t5", "model.encoderLayerCount=1", "model.decoderLayerCount=1", "model.hiddenSize=32")]
    public async Task Training_on_pairs_starts_at_the_loss_of_the_bundle(string family, params string[] shape)
    {
        string[] pairs = [$"model.family={family}", .. s_pairs];
        TrainingOutcome first = await Train("base",
            [.. pairs, .. shape, "data.tokenizer.kind=byte", "training.steps=3"]);
        TrainingOutcome second = await Train("next",
            [.. pairs, From("base"), "training.steps=1", "training.optimizer.learningRate=0"]);
        second.Family.ShouldBe(family);
        second.Report.Metrics["validationLoss"].ShouldBe(first.Report.Metrics["validationLoss"], 1e-6);
        if (family == "seq2seq")
        {
            (await Should.ThrowAsync<AtelierException>(() => Train("no", [.. pairs, From("base"),
                "training.extendVocabulary=['[new]']"]))).ToLine().ShouldContain("two vocabularies");
            return;
        }
        await Train("longer", [.. pairs, From("base"), "training.steps=1", "training.extendVocabulary=['[new]']"]);
        using ITrainedModel longer = _workshop.Open(_folder["longer"]);
        (await Should.ThrowAsync<AtelierException>(() => Train("no", [.. pairs, From("base"),
            "model.headCount=8"]))).ToLine().ShouldContain("model.headCount is 8");
    }

    [Fact]
    public async Task A_published_encoder_without_a_head_gets_a_new_one_and_says_so()
    {
        using var model = new BertModel(new BertConfig { LayerCount = 1, HeadCount = 2, HiddenSize = 16,
            ContextLength = 16 }, 100, Atelier.Tensors.Precision.Fp32, seed: 1, hasHead: false, hasPooler: true);
        var tokenizer = Atelier.Tokenizers.WordPieceTokenizer.Train(Enumerable.Repeat("the cat sat", 20), 60);
        BertFamily.Write(_folder["encoder"], model, tokenizer, new(), new Atelier.Tokenizers.MaskedTokens(null),
            card: "");
        File.Delete(_folder["encoder/tokenizer.json"]);
        File.WriteAllLines(_folder["encoder/vocab.txt"],
            Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name));
        var told = new List<string>();
        await Train("mlm", [.. s_text, From("encoder"), "training.steps=1"], told);
        told.ShouldContain(line => line.Contains("no head that predicts tokens: a new one is trained",
            StringComparison.Ordinal));
        _workshop.Open(_folder["mlm"]).Require<IInfiller>();
        (await Should.ThrowAsync<AtelierException>(() => Train("no", [.. s_text, From("encoder"),
            "training.lora.rank=2"]))).ToLine().ShouldContain("adapters alone would leave a new one untrained");
        (await Should.ThrowAsync<AtelierException>(() => Train("no", [.. s_text, From("encoder"),
            "training.extendVocabulary=[x]"]))).ToLine().ShouldContain("no tokens can be added to a vocab.txt");
    }

    [Fact]
    public async Task A_rule_of_tags_is_learned_and_a_tagger_is_the_start_of_others()
    {
        WriteSentences("rule.conllu", word => word[0] is 'a' or 'b' ? "X" : "Y");
        string[] data = [$"data.source='{_folder["rule.conllu"]}'", .. s_tagged];
        string[] tokens = ["data.tokenizer.kind=word-piece", "data.tokenizer.vocabularySize=300"];
        TrainingOutcome outcome = await Train("tagger", [.. s_shape, .. data, .. s_usual, .. tokens,
            "training.steps=60", "training.optimizer.learningRate=0.005"]);
        outcome.Report.Units["validationLoss"].ShouldBe("nats/word");
        EvaluationReport report = await _workshop.EvaluateAsync(_folder["tagger"]);
        report.Metrics["accuracy"].Value.ShouldBeGreaterThan(0.95);
        report.Metrics.Keys.ShouldContain("accuracyKnownWords");
        report.Metrics.Keys.ShouldNotContain("logLikelihoodPerWord");
        using (ITrainedModel model = _workshop.Open(_folder["tagger"]))
        {
            model.Require<ITagger>().Tag(["ax", "cx", "bx"]).Tags.ShouldBe(["X", "Y", "X"]);
            ITask task = _workshop.TaskOf(model);
            task.ShouldBeOfType<TaggingTask>();
            task.RequestOptions(model).Select(option => option.Field).ShouldNotContain("count");
            Should.Throw<AtelierException>(() => task.GenerateAsync(model, new GenerationRequest())).Message
                .ShouldContain("no sentence to tag");
        }

        TrainingOutcome next = await Train("next", [.. data, .. s_usual, From("tagger"), "training.steps=1",
            "training.optimizer.learningRate=0"]);
        next.Report.Metrics["validationLoss"].ShouldBe(outcome.Report.Metrics["validationLoss"], 1e-6);

        WriteSentences("other.conllu", word => word[0] switch
        {
            'a' or 'b' => "X", 'f' => "Z", _ => "Y",
        });
        string[] other = [$"data.source='{_folder["other.conllu"]}'", .. s_tagged];
        (await Should.ThrowAsync<AtelierException>(() => Train("no", [.. other, .. s_usual, From("tagger")]))).ToLine()
            .ShouldContain("the head of training.from predicts 2 labels, and the data have others: Z");
        EvaluationReport half = await _workshop.EvaluateAsync(_folder["tagger"], _folder["other.conllu"]);
        half.Notes.ShouldContain(note => note.Contains("have tags that the model does not know: Z",
            StringComparison.Ordinal));
        WriteSentences("strange.conllu", _ => "Q");
        (await Should.ThrowAsync<AtelierException>(() => _workshop.EvaluateAsync(_folder["tagger"],
            _folder["strange.conllu"]))).ToLine().ShouldContain("tags that the model does not know: Q");
        (await Should.ThrowAsync<AtelierException>(() => Train("no", [.. s_shape, "data.kind=tagged",
            $"data.source='{_folder["strange.conllu"]}'", .. s_usual, .. tokens]))).ToLine()
            .ShouldContain("has only the label 'Q'");
    }

    [Fact]
    public async Task A_rule_of_labels_is_learned_from_a_table_on_the_encoder_of_a_tagger()
    {
        WriteSentences("rule.conllu", word => word[0] is 'a' or 'b' ? "X" : "Y");
        await Train("tagger", [.. s_shape, $"data.source='{_folder["rule.conllu"]}'", "data.kind=tagged",
            "training.batchTokens=200", .. s_usual, "training.steps=5", "data.tokenizer.kind=word-piece",
            "data.tokenizer.vocabularySize=300"]);
        File.WriteAllLines(_folder["texts.csv"], Words(600, 3).Select(words =>
            $"{string.Join(' ', words)},{(words.Any(word => word[0] == 'a') ? "with" : "without")}")
            .Prepend("text,label"));
        string[] data = [$"data.source='{_folder["texts.csv"]}'", "model.family=bert", "data.kind=labelled",
            "data.column=text", "data.label=label", "training.batchTokens=200", .. s_usual];
        var told = new List<string>();
        await Train("classifier", [.. data, From("tagger"), "training.steps=150",
            "training.optimizer.learningRate=0.003"], told);
        told.ShouldContain(line => line.Contains("no head that predicts labels of texts: a new one is trained",
            StringComparison.Ordinal));
        EvaluationReport report = await _workshop.EvaluateAsync(_folder["classifier"]);
        report.Metrics["accuracy"].Value.ShouldBeGreaterThan(0.9);
        report.Comparisons["majorityLabel"].Outcome.ShouldBe(ComparisonOutcome.Beaten);
        using ITrainedModel model = _workshop.Open(_folder["classifier"]);
        _workshop.TaskOf(model).ShouldBeOfType<LabelledTask>();
        float[] row = model.Require<ITextClassifier>().Classify(["ax cx dx"])[0];
        row.Sum().ShouldBe(1, 1e-5f);
        row[0].ShouldBeGreaterThan(0.8f);
    }

    [Fact]
    public async Task A_learning_curve_has_a_point_for_each_number_of_examples()
    {
        WriteSentences("rule.conllu", word => word[0] is 'a' or 'b' ? "X" : "Y");
        Recipe recipe = RecipeReader.Parse("", "curve", _workshop.Families, [.. s_shape, .. s_usual, "data.kind=tagged",
            $"data.source='{_folder["rule.conllu"]}'", "training.batchTokens=200", "training.steps=5",
            "data.tokenizer.kind=word-piece", "data.tokenizer.vocabularySize=300"]);
        LearningCurve curve = await _workshop.TrainCurveAsync(recipe, [20, 5], _folder["curve"]);
        curve.Points.Select(point => point.Examples).ShouldBe([5, 20]);
        curve.Points.ShouldAllBe(point => point.Metric.Value >= 0 && point.Metric.Value <= 1);
        LearningCurve read = LearningCurve.Read(_folder["curve"]);
        read.Points.ShouldBe(curve.Points);
        read.Headline.ShouldBe(curve.Headline);
        new FileInfo(_folder["curve/curve.png"]).Length.ShouldBeGreaterThan(1000);
        Trained("curve/5").ShouldBe(Trained("curve/20")[..5]);
        (await Should.ThrowAsync<AtelierException>(() => _workshop.TrainCurveAsync(new Recipe(), [5], _folder["no"])))
            .ToLine().ShouldContain("data of the kind text");
        Should.Throw<AtelierException>(() => LearningCurve.Read(_folder["home"])).ToLine()
            .ShouldContain("is no learning curve");
    }

    private string[] Trained(string run) => [.. Atelier.Data.Tagged.TaggedData.Open(_folder[run + "/data"]).Train
        .Select(sentence => string.Join(' ', sentence.Words))];

    private string From(string run) => $"training.from='{_folder[run]}'";

    private async Task<TrainingOutcome> Train(string run, string[] settings, List<string>? told = null) =>
        await _workshop.TrainAsync(RecipeReader.Parse("", "tiny", _workshop.Families, settings),
            new(_folder[run]) { Progress = told is null ? null : new Told(told) });

    private IReadOnlyDictionary<string, Tensor> Read(string run) => BundleTensors.Read(Bundle.Open(_folder[run]));

    private void WriteSentences(string name, Func<string, string> tag) => File.WriteAllText(_folder[name],
        string.Concat(Words(150, 5).Select(words => string.Concat(words.Select((word, i) =>
            $"{i + 1}\t{word}\t_\t{tag(word)}\t_\t_\t_\t_\t_\t_\n")) + "\n")));

    private static IEnumerable<string[]> Words(int count, int length)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length)
            .Select(_ => $"{(char)('a' + random.Next(6))}{(char)('x' + random.Next(3))}").ToArray())];
    }

    private sealed class Told(List<string> lines) : IProgress<Atelier.Training.TrainingProgress>
    {
        public void Report(Atelier.Training.TrainingProgress value)
        {
            if (value.Message is { } line)
                lines.Add(line);
        }
    }
}
