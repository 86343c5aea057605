using System.Text;
using System.Text.Json;
using SkiaSharp;

namespace Atelier.Tests.Training;

[Collection(nameof(OneAtATime))]
public sealed class TrainingLogTests
{
    [Fact]
    public void Every_report_is_a_line_of_json_and_an_event_that_an_independent_reader_understands()
    {
        using var run = new TinyRun(TinyRun.Plain with { Steps = 25, ReportEvery = 5, EvaluateEvery = 10 });
        using var model = new TinyModel();
        run.Learn(model, validation: new PointBatches(2),
            hooks: new() { WriteBundle = _ => { },
            ReferenceLosses = new Dictionary<string, double> { ["5-gram"] = 0.5 } });

        List<Dictionary<string, double>> lines = [.. File.ReadLines(run.Run.MetricsPath)
            .Select(line => JsonSerializer.Deserialize<Dictionary<string, double>>(line)!)];
        lines.Select(l => l["step"]).ShouldBe([5, 10, 15, 20, 25, 25]);
        lines.Where(l => l.ContainsKey("validationLoss")).Select(l => l["step"]).ShouldBe([10, 20, 25]);
        lines[0].Keys.ShouldBe(["step", "loss", "gradientNorm", "learningRate", "tokensPerSecond"]);

        string events = Directory.GetFiles(Path.Combine(run.Run.Folder, "tensorboard")).ShouldHaveSingleItem();
        List<(long Step, Dictionary<string, float> Values)> read = [.. ReadEvents(File.ReadAllBytes(events))];
        read.Count.ShouldBe(lines.Count);
        foreach ((var line, (long step, var values)) in lines.Zip(read))
        {
            step.ShouldBe((long)line["step"]);
            values.Count.ShouldBe(line.Count - 1);
            foreach ((string tag, float value) in values)
                value.ShouldBe((float)line[tag], tag);
        }

        using SKBitmap plot = SKBitmap.Decode(Path.Combine(run.Run.PlotFolder, "loss.png"));
        (plot.Width, plot.Height).ShouldBe((900, 560));
        plot.Pixels.Distinct().Count().ShouldBeGreaterThan(10);
    }

    /// <summary>
    /// TFRecords and the three messages by their wire format alone, with every checksum worked out bit by bit.
    /// </summary>
    private static IEnumerable<(long Step, Dictionary<string, float> Values)> ReadEvents(byte[] file)
    {
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BitConverter.ToInt64(file, at);
            BitConverter.ToUInt32(file, at + 8).ShouldBe(Masked(file.AsSpan(at, 8)));
            byte[] message = file[(at + 12)..(at + 12 + length)];
            BitConverter.ToUInt32(file, at + 12 + length).ShouldBe(Masked(message));
            at += length + 16;
            var fields = Fields(message).ToList();
            BitConverter.Int64BitsToDouble((long)fields.Single(f => f.Number == 1).Value).ShouldBeGreaterThan(1.7e9);
            if (fields.Any(f => f.Number == 3))
            {
                Encoding.UTF8.GetString(fields.Single(f => f.Number == 3).Bytes).ShouldBe("brain.Event:2");
                continue;
            }
            var values = new Dictionary<string, float>();
            foreach (var value in Fields(fields.Single(f => f.Number == 5).Bytes))
            {
                var parts = Fields(value.Bytes).ToList();
                values.Add(Encoding.UTF8.GetString(parts.Single(f => f.Number == 1).Bytes),
                    BitConverter.UInt32BitsToSingle((uint)parts.Single(f => f.Number == 2).Value));
            }
            yield return ((long)fields.Single(f => f.Number == 2).Value, values);
        }
    }

    private static IEnumerable<(int Number, ulong Value, byte[] Bytes)> Fields(byte[] message)
    {
        for (int at = 0; at < message.Length;)
        {
            ulong key = Varint(message, ref at);
            switch (key & 7)
            {
                case 0:
                    yield return ((int)(key >> 3), Varint(message, ref at), []);
                    break;
                case 1:
                    yield return ((int)(key >> 3), BitConverter.ToUInt64(message, at), []);
                    at += 8;
                    break;
                case 2:
                    int length = (int)Varint(message, ref at);
                    yield return ((int)(key >> 3), 0, message[at..(at + length)]);
                    at += length;
                    break;
                default:
                    yield return ((int)(key >> 3), BitConverter.ToUInt32(message, at), []);
                    at += 4;
                    break;
            }
        }
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
                return value;
        }
    }

    private static uint Masked(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78u); // Castagnoli's polynomial, reversed
        }
        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
    }
}
