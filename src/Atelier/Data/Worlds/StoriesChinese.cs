namespace Atelier.Data.Worlds;

/// <summary>The grammar of the Chinese stories.</summary>
internal static class StoriesChinese
{
    public const string Rules = """
        hero(name, she) =
            小红/她 | 小兰/她 | 小梅/她 | 小雪/她 | 小燕/她 | 小月/她 | 小云/她 | 小花/她
            | 小明/他 | 小刚/他 | 小龙/他 | 小虎/他 | 小强/他 | 小林/他 | 小山/他 | 小石/他

        trait = 勇敢 | 聪明 | 善良 | 害羞 | 快乐 | 孤单 | 勤劳 | 懒惰 | 安静 | 骄傲 | 贫穷 | 富有 | 年轻 | 温柔 | 好奇 | 幸运
        job = 农夫 | 渔夫 | 画家 | 歌手 | 医生 | 老师 | 木匠 | 铁匠 | 裁缝 | 厨师 | 船长 | 诗人 | 猎人 | 园丁 | 商人 | 学生
        town = 北京 | 上海 | 南京 | 天津 | 重庆 | 成都 | 西安 | 杭州 | 苏州 | 青岛 | 大连 | 桂林 | 昆明 | 拉萨 | 洛阳 | 开封
        object = 灯笼 | 风筝 | 竹笛 | 雨伞 | 铜镜 | 水壶 | 草帽 | 布鞋 | 木梳 | 铁锅 | 毛笔 | 地图 | 扇子 | 篮子 | 口琴 | 长剑
        season = 春天 | 夏天 | 秋天 | 冬天 | 清晨 | 中午 | 傍晚 | 深夜
        weather = 下雨 | 下雪 | 刮风 | 打雷 | 晴朗 | 寒冷 | 炎热 | 多云
        place = 河边 | 湖边 | 山上 | 林中 | 桥下 | 井旁 | 庙里 | 田间 | 海滩 | 城门 | 花园 | 竹林 | 山洞 | 码头 | 市场 | 草原
        number = 两 | 三 | 四 | 五 | 六 | 七 | 八 | 九
        size = 很小 | 很大 | 瘦瘦 | 胖胖 | 圆圆 | 高高 | 可爱 | 美丽
        colour = 红色 | 黄色 | 蓝色 | 绿色 | 白色 | 黑色 | 紫色 | 金色
        animal = 狐狸 | 兔子 | 乌龟 | 青蛙 | 老虎 | 猴子 | 山羊 | 小猫 | 小狗 | 母鸡 | 白鹅 | 黄鹂 | 白鹤 | 松鼠 | 燕子 | 小鸟
        theme = 星星 | 月亮 | 太阳 | 大海 | 国王 | 公主 | 神仙 | 龙王 | 战争 | 小精灵 | 爱情 | 友谊 | 桃花 | 白云 | 彩虹 | 大灰狼
            | 音乐 | 魔法 | 宝藏 | 沙漠 | 冰山 | 高塔 | 古书 | 故乡 | 英雄 | 强盗 | 老神仙 | 火焰山 | 珍珠 | 瀑布 | 流星 | 巨人
        food = 苹果 | 桃子 | 西瓜 | 葡萄 | 米饭 | 面条 | 饺子 | 包子 | 豆腐 | 花生 | 红枣 | 牛奶 | 蜂蜜 | 鸡蛋 | 绿茶 | 月饼
        treasure = 金币 | 银币 | 铜钱 | 宝石 | 玉佩 | 水晶 | 种子 | 铃铛 | 戒指 | 印章 | 徽章 | 贝壳 | 扣子 | 玉环 | 别针 | 棋子
        mood = 高兴 | 平安 | 满足 | 疲倦 | 自豪 | 微笑 | 唱歌 | 跳舞 | 沉默 | 激动 | 轻松 | 饥饿 | 感激 | 富裕 | 坚强 | 成熟

        opening = {hero.name}是{town}一个{trait}的{job}，有{object}、{object}和{number}枚{treasure}。
        when = {season}{weather}的时候 | 一个{weather}的{season}
        meeting = {when}，{hero.she}在{place}遇见一只{size}的{colour}{animal}。
        talk = 它说起{theme}、{theme}、{theme}和{theme}。
        gifts = {hero.she}送它{food}、{food}和{object}，它回赠{number}枚{treasure}。
        end = {hero.name}{mood}又{mood}地回了家。
        story = {opening}{meeting}{talk}{gifts}{end}
        """;
}
