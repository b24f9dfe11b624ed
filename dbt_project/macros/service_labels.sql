{#- How far a service item can be handled online, as the catalogue of items says it: 1 to 4. -#}
{% macro online_level(column) -%}
    case {{ column }} when '互联网咨询' then 1 when '互联网收件' then 2 when '互联网预审' then 3 when '全程网办' then 4 end
{%- endmacro %}

{#- Capabilities of the shared platform as people read them. -#}
{% macro capability_label(column) -%}
    case {{ column }}
        when 'identity' then '统一身份认证' when 'licence' then '电子证照' when 'seal' then '电子印章' when 'exchange' then '数据共享交换'
        when 'video' then '视频汇聚' when 'map' then '时空地图' when 'algorithm' then '智能算法' when 'message' then '消息通知'
        when 'cases_read' then '案件查询' when 'cases_write' then '案件办理' when 'changes_read' then '案件变更同步'
        when 'classes_read' then '案件分类查询' when 'reports_read' then '上报结果查询' when 'reports_write' then '事件上报'
        when 'webhooks_read' then '推送查询' when 'webhooks_write' then '推送管理' when 'open311_services' then 'Open311 服务目录'
        when 'open311_read' then 'Open311 查询' when 'open311_report' then 'Open311 上报'
        when 'payment' then '统一支付' when 'workflow' then '流程引擎' when 'chart' then '可视化组件' when 'credit' then '信用核查'
        else {{ column }}
    end
{%- endmacro %}

{#- Stages of school from the youngest on. -#}
{% macro stage_order(column) -%}
    case {{ column }} when '幼儿园' then 1 when '小学' then 2 when '初中' then 3 when '高中' then 4 end
{%- endmacro %}
