using System.IO.Compression;
using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Text;
using Atelier.Evaluation;
using Atelier.Models.Ngram;
using Atelier.Recipes;
using Atelier.Tests.Data;
using Atelier.TestSupport;

namespace Atelier.Tests.Evaluation;

/// <summary>A finished model judged on data that it did not come with: all of it, read as the recipe says.</summary>
public sealed class OtherDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_published_example_at_its_true_graph_has_its_published_bic()
    {
        string table = DataFolder.File("networks", "learning.test.csv");
        await Train($"name: r\ndata:\n  source: {table}\n  split: none\nmodel:\n  family: bayesian-network\n  "
            + $"structure: given\n  edges: [A->B, A->D, C->D, B->E, F->E]\n  equivalentSampleSize: 0\n");
        EvaluationReport run = await new Workshop().EvaluateAsync(_folder["run"], table);
        run.Metrics["bic"].Value.ShouldBe(-24006.734, 1e-3);
        run.Metrics["logLikelihood"].Value.ShouldBe(-23832.132, 1e-3);
        run.Verdict.ShouldStartWith("on rows that include training data");
        run.Verdict.ShouldContain("(beaten by BIC)");
        run.Notes.ShouldContain("Baselines are fitted to the training data of the run.");
        EvaluationReport bundle = await new Workshop().EvaluateAsync(_folder["run/bundle"], table);
        bundle.Metrics["bic"].Value.ShouldBe(-24006.734, 1e-3);
        bundle.Baselines.ShouldBeEmpty();
        bundle.Notes.ShouldContain(note => note.StartsWith("There are no baselines"));
    }

    [Fact]
    public async Task Text_is_read_by_the_unit_the_column_and_the_steps_that_the_recipe_names()
    {
        string Table(string name, int rows) =>
            _folder.Write(name,
            "id,words\n"
            + string.Concat(Enumerable.Range(0, rows)
            .Select(i => $"{i},<b>the {(i % 3 == 0 ? "cat" : "dog")} of {name[0]} and {i}</b>\n")));
        string learned = Table("a.csv", 200), other = Table("b.csv", 50);
        await Train($"name: r\ndata:\n  source: {learned}\n  column: words\n  clean: [html]\nmodel:\n  family: "
            + $"ngram\n  order: 3\nevaluation:\n  samples: 0\n");
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"], other);
        report.Notes[0].ShouldContain("of 50 documents");
        report.Verdict.ShouldStartWith("held-out");
        // By hand: the model and the baseline, counted on the run's own text, over the 50 cleaned cells.
        using var data = (TextData)new Workshop().OpenData(_folder["run"]);
        double Loss(ILanguageModel model)
        {
            string[] texts =
                [.. Enumerable.Range(0, 50).Select(i => $"the {(i % 3 == 0 ? "cat" : "dog")} of b and {i}")];
            int end = data.Tokenizer.EndOfTextId!.Value;
            return -texts.Sum(text =>
                model.Score([(int[])[end, .. data.Tokenizer.Encode(text), end]])[0]
                .Sum(t => t.LogProbability)) / texts.Sum(text => text.Length + 1);
        }
        using var own =
            NgramModel.Count(data.Train, new() { Order = 3 }, data.Tokenizer.VocabularySize, data.Facts.StartId);
        using var baseline =
            NgramModel.Count(data.Train, new() { Order = 5 }, data.Tokenizer.VocabularySize, data.Facts.StartId);
        report.Metrics["crossEntropyPerCharacter"].Value.ShouldBe(Loss(own), 1e-9);
        report.Baselines["ngram5"]["crossEntropyPerCharacter"].Value.ShouldBe(Loss(baseline), 1e-9);
        EvaluationReport same = await new Workshop().EvaluateAsync(_folder["run"], learned);
        same.Verdict.ShouldContain("no verdict: no data was held out");
    }

    [Fact]
    public async Task An_n_gram_model_is_not_held_against_itself()
    {
        string text = _folder.Write("a.txt",
            string.Concat(Enumerable.Range(0, 400).Select(i => $"line {i} and {i % 5} and {i % 7} more\n")));
        await Train($"name: r\ndata:\n  source: {text}\n  document: line\nmodel:\n  family: ngram\nevaluation:\n  "
            + $"samples: 0\n");
        EvaluationReport report = await new Workshop().EvaluateAsync(_folder["run"]);
        report.Baselines.ShouldBeEmpty();
        report.Notes.ShouldContain(note => note.Contains("it is the model itself"));
        report.Verdict.ShouldNotContain("beaten");
        (await new Workshop().EvaluateAsync(_folder["run"], text)).Notes[0].ShouldContain("of 400 documents");
    }

    [Fact]
    public async Task A_file_is_judged_with_ends_of_documents_where_the_model_learned_them_and_without_where_it_did_not(
        )
    {
        string lines = _folder.Write("lines.txt",
            string.Concat(Enumerable.Range(0, 400).Select(i => $"line {i} and {i % 5} and {i % 7} more\n")));
        string one = _folder.Write("one.txt", string.Concat(Enumerable.Repeat("line 3 and 4. ", 30)));
        await Train($"name: r\ndata:\n  source: {lines}\n  document: line\nmodel:\n  family: ngram\n  order: "
            + $"3\nevaluation:\n  samples: 0\n");
        // One document of 420 characters, its end counted.
        (await new Workshop().EvaluateAsync(_folder["run"], one)).Notes[0].ShouldStartWith("421 tokens of 1 document;");
        await Train($"name: r\ndata:\n  source: {lines}\nmodel:\n  family: ngram\n  order: 3\nevaluation:\n  "
            + $"samples: 0\n", "whole");
        _folder.Write("two/a.txt", "line 1 and 2");
        _folder.Write("two/b.txt", "line 3 and 4");
        (await new Workshop().EvaluateAsync(_folder["whole"], _folder["two"])).Notes[0]
            .ShouldStartWith("24 tokens of 2 documents");
    }

    [Fact]
    public async Task A_file_that_was_learned_from_is_known_again_inside_its_folder_and_as_a_copy()
    {
        string novel =
            string.Concat(Enumerable.Range(0, 400).Select(i => $"chapter {i} of the novel was {i * 7} pages long\n"));
        _folder.Write("books/novel.txt", novel);
        _folder.Write("books/note.txt", "buy milk");
        await Train($"name: r\ndata:\n  source: {_folder["books"]}\nmodel:\n  family: ngram\n  order: "
            + $"3\nevaluation:\n  samples: 0\n");
        (await new Workshop().EvaluateAsync(_folder["run"],
            _folder["books/novel.txt"])).Verdict.ShouldStartWith("on documents that include training data");
        (await new Workshop().EvaluateAsync(_folder["run"],
            _folder.Write("copy.txt", novel))).Verdict.ShouldContain("no verdict");
        (await new Workshop().EvaluateAsync(_folder["run"],
            _folder.Write("new.txt", novel.Replace("chapter", "episode")))).Verdict.ShouldStartWith("held-out");

        static string Csv(int rows) =>
            "x\n" + string.Concat(Enumerable.Range(0, rows)
            .Select(i => FormattableString.Invariant($"{Math.Sin(i * i):0.000}\n")));
        await Train($"name: r\ndata:\n  kind: series\n  source: {_folder.Write("s.csv", Csv(200))}\nmodel:\n  "
            + $"family: hmm\n  stateCount: 2\n  iterations: 3\n", "series");
        (await new Workshop().EvaluateAsync(_folder["series"],
            _folder.Write("longer.csv", Csv(300)))).Verdict.ShouldContain("BIC");
        (await new Workshop().EvaluateAsync(_folder["series"],
            _folder.Write("other.csv", Csv(150).Replace("0.", "1.")))).Verdict.ShouldStartWith("held-out");
    }

    [Fact]
    public async Task Tags_and_series_are_all_judged_with_baselines_of_the_runs_own_data()
    {
        static string Word(int id, string form, string tag) => $"{id}\t{form}\t_\t{tag}\t_\t_\t_\t_\t_\t_\n";
        string Tagged(string name, int count, string noun) =>
            _folder.Write(name,
            string.Concat(Enumerable.Range(0, count)
            .Select(i => $"{Word(1, "the", "DET")}{Word(2, noun, i % 4 == 0 ? "VERB" : "NOUN")}\n")));
        string learned = Tagged("a.conllu", 60, "walk"), other = Tagged("b.conllu", 24, "walk");
        await Train($"name: r\ndata:\n  kind: tagged\n  source: {learned}\nmodel:\n  family: hmm\n", "tagger");
        EvaluationReport tagger = await new Workshop().EvaluateAsync(_folder["tagger"], other);
        tagger.Notes[0].ShouldContain("48 words of 24 sentences");
        tagger.Baselines["mostFrequentTag"]["accuracy"].Value.ShouldBe(((24 * 2) - 6) / 48.0, 1e-9);

        string Series(string name, int count, int level) =>
            _folder.Write(name,
            "x,y,skip\n"
            + string.Concat(Enumerable.Range(0, count)
            .Select(i => $"{(i / 20 % 2 * level) + (i % 3)},{i % 5},text\n")));
        string first = Series("a.csv", 400, 10), second = Series("b.csv", 130, 9);
        await Train($"name: r\ndata:\n  kind: series\n  source: {first}\n  table:\n    columns: [x, y]\nmodel:\n  "
            + $"family: hmm\n  stateCount: 2\n  emission: poisson\n  iterations: 5\n", "series");
        EvaluationReport series = await new Workshop().EvaluateAsync(_folder["series"], second);
        series.Notes[0].ShouldStartWith("130 rows of 1 series");
        series.Notes.ShouldContain(note => note.Contains("Poisson"));
        series.Verdict.ShouldStartWith("held-out");
    }

    [Fact]
    public void All_pictures_of_other_data_are_judged_and_those_of_the_run_are_what_baselines_see()
    {
        var split = new SplitSection { Train = 0.8, Validation = 0.1, Test = 0.1 };
        ImageData.Prepare(new DataSection { Source = ShapesWorld.Name, WorldDocuments = 100, Split = split }, 1,
            _folder["data"]).Dispose();
        var recipe = new Recipe
            { Data = new DataSection { Source = ShapesWorld.Name, WorldDocuments = 30, Split = split } };
        var other = new OtherData(ShapesWorld.Name, recipe, null!, _folder["data"], _folder["other"], Seed: 2);
        using ImageData data = ImageData.Prepare(other.Section, other.Seed, other.Folder)
            .Learning(ImageData.Open(other.Learned!));
        (data.Train.Count, data.Validation.Count, data.Test.Count).ShouldBe((80, 0, 30));
    }

    private async Task Train(string yaml, string name = "run") =>
        await new Workshop().TrainAsync(new Workshop().ReadRecipe(_folder.Write($"{name}.yaml", yaml)),
            new(_folder[name]));
}
