using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Labelled;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Tasks;
using Atelier.Tasks.Labelled;
using Atelier.Tests.Data;

namespace Atelier.Tests.Tasks.Labelled;

/// <summary>Texts with labels: how they are read, and how classifiers of them are judged.</summary>
public sealed class LabelledTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("reviews.csv", "stars,text,note\n5,good,x\n1,\"bad, really\",y\n5,fine,\n")]
    [InlineData("reviews.tsv", "stars\ttext\n5\tgood\n1\tbad, really\n5\tfine\n")]
    [InlineData("reviews.jsonl", "{\"text\":\"good\",\"stars\":5}\n{\"text\":\"bad, really\",\"stars\":\"1\"}\n"
        + "{\"stars\":5,\"text\":\"fine\"}\n")]
    public void Tables_are_read_by_the_names_of_two_columns(string name, string content)
    {
        using LabelledData data = Prepare(name, content, new() { Split = SplitSection.None });
        data.Train.Order(Comparer<LabelledText>.Create((a, b) => string.CompareOrdinal(a.Text, b.Text)))
            .ShouldBe([new("bad, really", "1"), new("fine", "5"), new("good", "5")]);
        using LabelledData again = LabelledData.Open(_folder["data"]);
        again.Train.ShouldBe(data.Train);
    }

    [Theory]
    [InlineData("stars,text\n5,\n1, \n", "text", "stars", "columns 'text' and 'stars' are empty")]
    [InlineData("stars,text\n,a\n,b\n", "text", "stars", "columns 'text' and 'stars' are empty")]
    [InlineData("stars,text\n5,a\n1,b\n", "words", "stars", "no column 'words'; the columns are stars, text")]
    [InlineData("stars,text\n5,a\n1,b\n", "text", "label", "no column 'label'; the columns are stars, text")]
    [InlineData("stars,text\n5,a\n1,b\n", "text", null, "data.label does not name the column of the labels")]
    [InlineData("stars,text\n5,a\n1,b\n", null, "stars", "data.column does not name the column of the texts")]
    public void A_column_that_is_missing_or_empty_is_refused_in_one_line(string content, string? text, string? label,
        string message)
    {
        AtelierException error = Should.Throw<AtelierException>(() =>
            Prepare("t.csv", content, new() { Column = text, Label = label }));
        error.ToLine().Replace("', which data.column names", "'").Replace("', which data.label names", "'")
            .ShouldContain(message);
        error.ToLine().ShouldNotContain("\n");
    }

    [Fact]
    public void Rows_without_a_label_are_left_out_and_equal_texts_stay_in_one_part()
    {
        string rows = string.Concat(Enumerable.Range(0, 200)
            .Select(i => $"t{i % 40},{(i % 9 == 0 ? "" : $"l{i % 2}")}\n"));
        using LabelledData data = Prepare("t.csv", "text,label\n" + rows, new() { Column = "text", Label = "label",
            Split = new() { Train = 0.6, Validation = 0.2, Test = 0.2 } });
        (data.Train.Count + data.Validation.Count + data.Test.Count).ShouldBe(200 - 23);
        data.Notes.ShouldContain(note => note.Contains("a label in column 'label'", StringComparison.Ordinal)
            && note.EndsWith("left out.", StringComparison.Ordinal));
        string[] train = [.. data.Train.Select(text => text.Text)];
        data.Test.Concat(data.Validation).ShouldAllBe(text => !train.Contains(text.Text));
        data.Test.ShouldNotBeEmpty();
    }

    [Fact]
    public void Fewer_examples_are_the_beginning_of_more_and_leave_the_other_parts_alone()
    {
        string rows = "text,label\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"t{i},l{i % 2}\n"));
        DataSection section = new() { Column = "text", Label = "label" };
        LabelledText[] Train(int? examples, out string test)
        {
            using LabelledData data = Prepare("t.csv", rows, section with { Examples = examples });
            test = string.Join(' ', data.Test.Select(text => text.Text));
            return [.. data.Train];
        }
        LabelledText[] few = Train(5, out string a), more = Train(20, out string b), all = Train(null, out string c);
        few.Length.ShouldBe(5);
        more[..5].ShouldBe(few);
        more.ShouldBeSubsetOf(all);
        (b, c).ShouldBe((a, a));
        using LabelledData most = Prepare("t.csv", rows, section with { Examples = 1000 });
        most.Notes.ShouldContain(note => note.Contains("fewer than data.examples, which is 1000",
            StringComparison.Ordinal));
    }

    [Fact]
    public void Metrics_are_those_of_a_worked_example()
    {
        // truth a a a b b c, predicted a a b b c c: F1 of a 4/5, of b 1/2, of c 2/3
        var predictions = new ClassPredictions(["a", "b", "c", "never"], [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]);
        Metric f1 = predictions.MacroF1(new EvaluationSection { BootstrapSamples = 200 }, seed: 1);
        f1.Value.ShouldBe((0.8 + 0.5 + (2.0 / 3)) / 3, 1e-12);
        f1.Low.ShouldBeLessThan(f1.Value);
        f1.High.ShouldBeGreaterThan(f1.Value);
        predictions.Correct.Sum(score => score.Sum).ShouldBe(4);
        string[][] cells = [.. predictions.Table().Split('\n').Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        cells[0].ShouldBe(["a", "2", "1", "0", "0"]);
        cells[1].ShouldBe(["b", "0", "1", "1", "0"]);
        new ClassPredictions([.. Enumerable.Range(0, 30).Select(i => $"l{i}")], [1, 1, 2], [3, 3, 2]).Table()
            .ShouldBe("most frequent confusions\nl1 → l3: 2");
    }

    [Fact]
    public void The_baseline_multiplies_the_probabilities_of_words_and_pairs_of_words()
    {
        LabelledText[] training = [new("a b", "x"), new("b c", "y"), new("a a", "x")];
        var bayes = new NaiveBayes(training, ["x", "y"]);
        // features: x has a b "a b" a a "a a", y has b c "b c"; 6 different ones in all
        double x = 3.0 / 5 * (4.0 / 12) * (2.0 / 12) * (2.0 / 12), y = 2.0 / 5 * (1.0 / 9) * (2.0 / 9) * (1.0 / 9);
        double[] logs = bayes.LogProbabilities("a b unknown");
        Math.Exp(logs[0]).ShouldBe(x / (x + y), 1e-12);
        Math.Exp(logs[1]).ShouldBe(y / (x + y), 1e-12);
    }

    [Fact]
    public async Task A_classifier_is_judged_by_what_it_knows_and_beside_baselines()
    {
        string rows = "text,label\n" + string.Concat(Enumerable.Range(0, 60).Select(i =>
            $"{(i % 3 == 0 ? "bad" : "good")} number {i},{(i % 3 == 0 ? "no" : "yes")}\n")) + "odd one,maybe\n";
        DataSection section = new() { Column = "text", Label = "label", Split = new() { Train = 0, Test = 1,
            Validation = 0, Shuffle = false } };
        using LabelledData data = Prepare("t.csv", rows, section).Learning(
            Prepare("u.csv", rows, section with { Split = SplitSection.None }, "learned"));
        var task = new LabelledTask();
        using var model = new Rule();
        task.Evaluates(model).ShouldBeTrue();
        EvaluationReport report = await task.EvaluateAsync(new EvaluationContext(model, data,
            new EvaluationSection { BootstrapSamples = 50 }, "run", 1, Picture: null), null, CancellationToken.None);
        report.Metrics["accuracy"].Value.ShouldBe(60.0 / 61, 1e-9);
        report.Metrics["crossEntropy"].Value.ShouldBe(-Math.Log(0.75), 1e-6); // of the texts with a known label
        report.Baselines["majorityLabel"]["accuracy"].Value.ShouldBe(40.0 / 61, 1e-9);
        report.Baselines["naiveBayes"]["accuracy"].Value.ShouldBeGreaterThan(0.9);
        report.Notes.ShouldContain(note =>
            note.Contains("1 text of 61 have labels that the model does not know: maybe", StringComparison.Ordinal));
        report.Sections[0].Samples[0].ShouldContain("maybe");
        EvaluationReport.FromJson(report.ToJson()).ToMarkdown().ShouldBe(report.ToMarkdown());

        LabelledSample sample = task.GenerateAsync(model, new GenerationRequest { Prompt = "a good day" })
            .ToBlockingEnumerable().Single().ShouldBeOfType<LabelledSample>();
        sample.Label.ShouldBe("yes");
        JsonObject json = sample.ToJson();
        json["probabilities"]!["yes"]!.GetValue<double>().ShouldBe(0.75, 1e-6);
        Should.Throw<AtelierException>(() => task.GenerateAsync(model, new GenerationRequest()).ToBlockingEnumerable()
            .ToList()).Message.ShouldContain("no text");

        using LabelledData other = Prepare("v.csv", "text,label\na,1\nb,2\n", section, "other");
        (await Should.ThrowAsync<AtelierException>(() => task.EvaluateAsync(new EvaluationContext(model, other,
            new EvaluationSection(), "run", 1, Picture: null), null, CancellationToken.None))).ToLine()
            .ShouldContain("2 texts of 2 have labels that the model does not know: 1, 2");
    }

    private LabelledData Prepare(string name, string content, DataSection section, string folder = "data")
    {
        File.WriteAllText(_folder[name], content);
        bool isUsual = section is { Column: null, Label: null };
        return LabelledData.Prepare(section with
        {
            Source = _folder[name],
            Column = isUsual ? "text" : section.Column,
            Label = isUsual ? "stars" : section.Label,
        }, seed: 1, _folder[folder]);
    }

    private sealed class Rule : ITrainedModel, ITextClassifier
    {
        public IReadOnlyList<string> Labels { get; } = ["no", "yes"];

        public IReadOnlyList<float[]> Classify(IReadOnlyList<string> texts, CancellationToken cancellation = default) =>
            [.. texts.Select(text => text.Contains("good", StringComparison.Ordinal) ? (float[])[0.25f, 0.75f]
                : [0.75f, 0.25f])];

        public void Dispose()
        {
        }
    }
}
