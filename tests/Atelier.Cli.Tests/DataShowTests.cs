using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Atelier.Data.Audio;
using SkiaSharp;

namespace Atelier.Cli.Tests;

/// <summary>Data of every kind looked at, made and read back.</summary>
[Collection(nameof(ToolCollection))]
public sealed class DataShowTests : IDisposable
{
    private readonly ToolRunner _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public void A_table_is_shown_by_columns_and_one_column_with_all_about_it()
    {
        string table = _tool.At("t.csv");
        File.WriteAllText(table,
            "name;age\n"
            + string.Concat(Enumerable.Range(1, 41)
            .Select(i => $"{(i % 3 == 0 ? "x,y" : "z")};{(i == 5 ? "nan" : $"{i},5")}\n")));
        JsonElement shown = _tool.Run("data", "show", table, "--json").Json;
        shown.GetProperty("kind").GetString().ShouldBe("table");
        shown.GetProperty("rows").GetInt32().ShouldBe(41);
        shown.GetProperty("encodings").GetProperty("t.csv").GetString().ShouldBe("UTF-8");
        JsonElement age = shown.GetProperty("columns")[1];
        (age.GetProperty("holds").GetString(), age.GetProperty("missing").GetInt32(),
            age.GetProperty("different").GetInt32()).ShouldBe(("numbers", 1, 40));
        // 1.5 to 41.5 without 5.5: by hand.
        age.GetProperty("quantiles").EnumerateArray().Select(q => q.GetDouble())
            .ShouldBe([1.5, 12.25, 22, 31.75, 41.5]);
        ToolResult one = _tool.Run("data", "show", table, "--column", "name");
        one.Out.ShouldContain("x,y");
        one.Out.ShouldNotContain("12.25", Case.Sensitive, "the other column is left out");
        one.Out.ShouldContain("encoding: UTF-8");
        _tool.Run("data", "show", table, "--column", "none").Error.ShouldContain("there is no column 'none'");
    }

    [Fact]
    public void An_error_names_the_options_of_the_command_and_not_the_keys_of_a_recipe()
    {
        string table = _tool.At("t.csv"), bytes = _tool.At("b.txt");
        File.WriteAllText(table, "title,words\na,b\n");
        File.WriteAllBytes(bytes, CodePagesEncodingProvider.Instance.GetEncoding(10000)!.GetBytes(
            "Il était une fois, dans un château près de la forêt, une princesse très âgée qui rêvait."));
        _tool.Run("data", "show", table, "--kind", "text").Error
            .ShouldEndWith("; name the column with the text in --column" + Environment.NewLine);
        _tool.Run("data", "clean", table, "--out", _tool.At("c.jsonl")).Error.ShouldContain("in --column");
        _tool.Run("data", "show", bytes).Error.ShouldContain("name its encoding with --encoding");
        _tool.Run("train", "--text", bytes, "--out", _tool.At("run")).Error
            .ShouldContain("name its encoding with data.encoding");
    }

    [Fact]
    public void A_source_is_shown_as_the_kind_that_most_of_its_files_are_and_those_left_out_are_named()
    {
        string folder = _tool.At("mixed");
        Directory.CreateDirectory(folder);
        foreach (string name in (string[])["a.txt", "b.txt", "c.heic", "d.heic"])
            File.WriteAllText(Path.Combine(folder, name), "some words");
        Picture(Path.Combine(folder, "e.png"), 8);
        JsonElement text = _tool.Run("data", "show", folder, "--json").Json;
        text.GetProperty("kind").GetString().ShouldBe("text");
        text.GetProperty("notes").EnumerateArray().Select(n => n.GetString())
            .ShouldContain("3 files of other types ignored: 2 .heic, 1 .png.");
        _tool.Run("data", "show", folder, "--kind", "images", "--json").Json.GetProperty("pictures").GetInt32()
            .ShouldBe(1);
        _tool.Run("data", "show", folder, "--kind", "sounds").Error.ShouldContain("there is no kind of data 'sounds'");
    }

    [Fact]
    public void Series_tagged_sentences_and_text_of_other_encodings_are_shown()
    {
        string series = _tool.At("s.csv"), tagged = _tool.At("t.conllu"), text = _tool.At("j.txt");
        File.WriteAllText(series, "x\n1\n2\n3\n");
        JsonElement shown = _tool.Run("data", "show", series, "--kind", "series", "--json").Json;
        shown.GetProperty("lengths")[0].GetInt32().ShouldBe(3);
        shown.GetProperty("columns")[0].GetProperty("mean").GetDouble().ShouldBe(2);
        File.WriteAllText(tagged, "1\tgo\t_\tVERB\t_\t_\t_\t_\t_\t_\n2\tgo\t_\tVERB\t_\t_\t_\t_\t_\t_\n\n");
        _tool.Run("data", "show", tagged, "--json").Json.GetProperty("tags").GetProperty("VERB").GetInt32().ShouldBe(2);
        File.WriteAllBytes(text, CodePagesEncodingProvider.Instance.GetEncoding(51932)!.GetBytes("吾輩は猫である。名前はまだ無い。"));
        _tool.Run("data", "show", text).Out.ShouldContain("encoding: EUC-JP");
        _tool.Run("data", "show", text, "--encoding", "shift-jis").Code.ShouldBe(2);
    }

    [Fact]
    public void Sounds_are_shown_with_their_length_loudness_and_classes_and_drawn()
    {
        string picture = _tool.At("sounds.png");
        for (int n = 0; n < 8; n++)
        {
            (float[] samples, SoundAttributes attributes) = SoundsWorld.Sample(1, n);
            AudioFiles.WriteWav(_tool.At($"world/{attributes.Kind}/{n}.wav"), new Sound([samples], 8000));
        }
        ToolResult shown = _tool.Run("data", "show", _tool.At("world"), "--count", "4", "--out", picture);
        shown.Code.ShouldBe(0, shown.Error);
        shown.Out.ShouldContain("8 sounds of together 4 s, 8000 Hz, 1 channel");
        shown.Out.ShouldContain("Chirp");
        using (SKBitmap drawn = SKBitmap.Decode(picture))
            (drawn.Width, drawn.Height).ShouldBe((2 * (14 + (2 * 274)), 2 * (14 + (2 * 178))));

        Directory.CreateDirectory(_tool.At("in"));
        AudioFiles.WriteWav(_tool.At("in/a.wav"), new Sound([new float[4000]], 16_000));
        File.WriteAllText(_tool.At("in/b.wav"), "");
        JsonElement folder = _tool.Run("data", "show", _tool.At("in"), "--json").Json;
        folder.GetProperty("kind").GetString().ShouldBe("audio");
        folder.GetProperty("seconds").GetDouble().ShouldBe(0.25);
        folder.GetProperty("loudness").GetArrayLength().ShouldBe(0, "silence has none");
        folder.GetProperty("notes")[0].GetString()!.ShouldEndWith("b.wav is empty: skipped.");
    }

    [Fact]
    public void Rows_that_a_network_makes_are_a_table_that_train_reads_back()
    {
        string table = _tool.At("t.csv"), run = _tool.At("run"), made = _tool.At("rows.csv");
        File.WriteAllText(table,
            "\"a, b\";q;n\n"
            + string.Concat(Enumerable.Range(0, 200)
            .Select(i => $"{(i % 2 == 0 ? "\"say \"\"hi\"\"\"" : "x,y")};{(i % 3 == 0 ? "u|v" : "w")};"
                + $"{i * 1000003L}\n")));
        ToolResult trained = _tool.Run("train", "--table", table, "--model", "bayesian-network", "--out", run, "--set",
            "data.split=none");
        trained.Code.ShouldBe(0, trained.Error);
        (trained.Out + trained.Error).ShouldContain("Discretised column n by quantiles");
        _tool.Run("generate", run, "--count", "300", "--out", made).Code.ShouldBe(0);
        JsonElement before = _tool.Run("data", "show", table, "--json").Json,
            after = _tool.Run("data", "show", made, "--json").Json;
        after.GetProperty("rows").GetInt32().ShouldBe(300);
        string?[] Names(JsonElement shown) =>
            [.. shown.GetProperty("columns").EnumerateArray().Select(c => c.GetProperty("name").GetString())];
        Names(after).ShouldBe(Names(before));
        for (int column = 0; column < 2; column++)
        {
            string[] Values(JsonElement shown) =>
                [.. shown.GetProperty("columns")[column].GetProperty("counts").EnumerateObject().Select(v => v.Name)
                .Order(StringComparer.Ordinal)];
            Values(after).ShouldBe(Values(before));
        }
        _tool.Run("train", "--table", made, "--model", "bayesian-network", "--out", _tool.At("again")).Code.ShouldBe(0);
    }

    [Fact]
    public void Series_near_a_thousand_million_keep_their_digits()
    {
        string table = _tool.At("s.csv"), run = _tool.At("run"), made = _tool.At("made.csv");
        File.WriteAllText(table,
            "x\n" + string.Concat(Enumerable.Range(0, 200)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"{1e9 + (i / 50 % 2 * 40) + (i * 37 % 11)}\n"))));
        ToolResult trained =
            _tool.Run("train", "--series", table, "--model", "hmm", "--out", run, "--set", "model.stateCount=2");
        trained.Code.ShouldBe(0, trained.Error);
        _tool.Run("generate", run, "--count", "2", "--max-tokens", "30", "--out", made).Code.ShouldBe(0);
        string[] lines = File.ReadAllLines(made);
        lines[0].ShouldBe("sequence,x");
        lines.Length.ShouldBe(61);
        lines.Skip(1).Select(line => line.Split(',')[1]).Distinct().Count()
            .ShouldBeGreaterThan(50, "six digits would make them all one");
        _tool.Run("train", "--series", made, "--model", "hmm", "--out", _tool.At("again"), "--set",
            "data.table.sequence=sequence", "--set", "model.stateCount=1", "--set", "data.split=none")
            .Code.ShouldBe(0);
    }

    [Fact]
    public async Task Five_big_pictures_take_the_memory_of_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the peak of a process's memory is read from /proc");
        const int side = 5000, bytes = 4 * side * side;
        long small = await Peak("small", 64), big = await Peak("big", side);
        (big - small).ShouldBeLessThan(bytes * 2L, "100 MB unpacked, of which no second one and no copy is held");

        async Task<long> Peak(string name, int pixels)
        {
            Directory.CreateDirectory(_tool.At(name));
            string first = _tool.At($"{name}/0.png");
            Picture(first, pixels);
            for (int i = 1; i < 5; i++)
                File.Copy(first, _tool.At($"{name}/{i}.png"));
            using Process process = Start("data", "show", _tool.At(name), "--json");
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            long peak = 0;
            while (!process.HasExited)
            {
                peak = Math.Max(peak, PeakOf(process.Id));
                await Task.Delay(5);
            }
            JsonDocument.Parse(await output).RootElement.GetProperty("pictures").GetInt32().ShouldBe(5);
            return peak;
        }
    }

    private static long PeakOf(int process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status")
                .FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0
                : 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // it has just ended
        }
    }

    private static void Picture(string path, int side)
    {
        using var bitmap = new SKBitmap(side, side, SKColorType.Gray8, SKAlphaType.Opaque);
        bitmap.Erase(SKColors.Gray);
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(path, png.ToArray());
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Atelier.Cli.dll"), .. arguments])
        {
            RedirectStandardOutput = true, UseShellExecute = false,
        };
        return Process.Start(start)!;
    }
}
